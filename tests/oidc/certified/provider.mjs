// A certified OpenID provider on loopback: node provider.mjs PORT CALLBACK AFTER_LOG_OUT
// It requires PKCE, keeps the groups for UserInfo, and names itself in its answer (RFC 9207).
import { Provider } from "oidc-provider";

const [port, callback, afterLogOut] = process.argv.slice(2);
const GROUPS = { "s-anna": ["radiology"], "s-stranger": ["kitchen"] };
const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [{
    client_id: "pneumonia",
    client_secret: "secret-of-the-test",
    redirect_uris: [callback],
    post_logout_redirect_uris: [afterLogOut],
  }],
  claims: { openid: ["sub"], profile: ["preferred_username", "groups"] },
  cookies: { keys: ["of the test"] },
  pkce: { required: () => true },
  findAccount: (_, sub) => ({
    accountId: sub,
    claims: () => ({ sub, preferred_username: sub.slice(2), groups: GROUPS[sub] }),
  }),
});
provider.listen(Number(port), "127.0.0.1", () => console.log("ready"));
