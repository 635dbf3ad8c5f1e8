"""Every Redis key of the service; a key with a variable part is a function, as in `xray(ID)`.

xray:ID                 hash, one record; its fields are those of `record.XrayRecord`, and
                        reading:NUMBER and outcome:NUMBER for each of its readings and outcomes
xrays                   sorted set of all ids; an id begins with its time, so they sort by time
xrays:status:queued     the same, those that wait
xrays:STATUS            the same, those that ended without a prediction: rejected or failed
xrays:KIND:READING      the same, those with a prediction; KIND is its decision, with uncertain- or
                        withheld- before it where that is what is shown; READING is to-review or
                        reviewed
xrays:suspicion         sorted set of the ids that are to review, by the probability of pneumonia;
                        those whose result is withheld are above all others
xrays:deleted           sorted set of the ids of deleted records, which are in no other index, by
                        the time until which each can be restored
xrays:words             sorted set of `WORD NUL ID`, by which the search finds references and notes
reviews:WEEK            hash, reviews given in an ISO week (2026-W48), MODEL DECISION LABEL ->
                        count; expires after a year
blind:WEEK              the same, of readers who read before the AI result was shown: MODEL DECISION
                        BEFORE AFTER -> count; before and after it was shown
batch                   hash of the files scored from archives: FINGERPRINT -> id
reuse:MODEL:DIG         hash of finished records by the digest of their bytes: DIG is its first
                        digits, a field the next 8, the value the id of a record, both in base85;
                        or, from before, the next 16 and the id as they are. MODEL is, as in the
                        two kinds of counts above, MODEL+PROFILE where a site profile decided
lease:ID                token of the delivery that is judging the X-ray; expires after the worker
                        dies
begun:ID                set of the worker processes that began on it; expires after a day
published:ID            set when a stranded X-ray is published again; expires
finished:ID             stream that wakes the callers of `wait_finished`: the end state, and which
                        call of `finish` wrote it; expires
model                   hash, the model that the workers serve: version, and metadata as JSON
worker:NAME             heartbeat of a live, warm worker; expires when it stops
workers                 set of the names of all workers that ever started
lock:NAME               lock on a job that one worker does for all: republish, sweep,
                        upgrade, stale; expires
user:NAME               hash of a person: password (argon2); reads_first, 1 if they want to see AI
                        results only after their own reading; language, that of the pages, none or
                        empty for the browser's; roles, separated by spaces, without which it is
                        from before there were any (roles.py); admin, 1 if that is one of them, for
                        hosts of the previous release; disabled, 1 if they may not log in;
                        link, digest of the one-time link that still works, and link_until;
                        logged_in, when they last did; totp, secret of the second factor, totp_new,
                        one that was not confirmed yet, and totp_step, the step of the last code;
                        of somebody who logs in by the OpenID provider instead of a password,
                        identity, as in identity:DIGEST, and subject, the provider's name for them
site:prevalence         list of what admins stated as the site's prevalence, the last at the end, as
                        JSON: percent, by, at
site:silent             the same of silent weeks: silent, true from then on or false; by, at
site:acceptance         list of the plans that admins wrote for an acceptance, the last at the end,
                        as JSON: model, profile, expected, least, by, at
site:profiles           hash of the site profiles by their digests, as JSON
                        (`profiles.ProfileRecord`)
site:profile            list of what admins switched on, the last at the end, as JSON: profile, none
                        for off; by, at
audit                   stream of what people and programs did, which becomes lines of files
                        (audit/events.py)
models:published        JSON of the published models as a worker lists them, null without a store:
                        version, state, manifest, figures, trained_at
models:wish             JSON of what somebody last wished done with one (`models.WishRecord`)
audit:head              hash: how far those lines go, and where they begin (audit/head.py)
orders                  list of the reports that callers wait for, as JSON (`desk.Order`)
drawn:TOKEN             list with the report for the caller who ordered it; expires in a minute
machine-keys            hash, the keys for programs: NAME -> digest of the key
machine-key:DIGEST      hash, one of them: name, rights (roles.py), by, at; used, to the minute
site:second-factor      as silent weeks, of whether everybody needs a second factor: required, by,
                        at
pending:DIGEST          JSON of a log-in that still needs a code: user, stored (their hash),
                        network; expires
codes:NAME              set of the codes of a second factor that a person has tried; expires
recovery:NAME           set of the digests of a person's recovery codes that are left
session:DIGEST          user name by digest of the session token; expires
opened:DIGEST           hash of the same session: at, and from, the network; of a log-in by the
                        OpenID provider also id_token, with which it is logged out of there, and
                        factor, 1 if it asked for a second one; expires with it
provider-log-in:DIGEST  JSON of a log-in that was begun, by the digest of its state: nonce, verifier
                        (RFC 7636), since, when it began if the person had to log in anew; expires
identity:DIGEST         the name of the person whom issuer and subject identify, for ever
identity-names          hash of these names: NAME -> DIGEST, for ever, so that no second person gets
                        one
link:DIGEST             user name by digest of a one-time link, by which the person chooses a
                        password; expires
sessions:NAME           set of a user's session digests
sent:DIGEST             id and digest of the upload sent with an idempotency key; expires
tries:NAME:NETWORK      set of a user's consecutive failed log-ins from one network; expires
tries-everywhere:NAME   the same from all networks; expires
known:NAME:NETWORK      set when the user has recently logged in from that network; expires
predict                 Celery's queue, a list that Celery writes; here it is only read
unacked                 Celery's hash of the tasks that workers hold; likewise
results                 Celery's queue of the results that go to a PACS, written as `predict` is
results:unacked...      Celery's keys of the tasks that the processes hold that send results
results:pending         sorted set of the ids whose result is not sent yet, by the time of the
                        reading that it is of
results:tried           the same, by the time of the last try, or of its publishing
results:refused         sorted set of the ids whose result the PACS refused, by the time of that

The previous release also wrote these, which `upgrade` empties:

xrays:status:STATUS     sorted sets of ids: done, rejected and failed
xrays:decision:DECISION the same, by decision
xrays:reviewed          the same, those with a review
reuse:DIGEST:MODEL      id of a finished record with the same bytes and model version
"""

QUEUE = "predict"
UNACKED = "unacked"
RESULTS = "results"
PENDING_RESULTS = "results:pending"
TRIED_RESULTS = "results:tried"
REFUSED_RESULTS = "results:refused"
XRAYS = "xrays"
WORDS = "xrays:words"
DELETED = "xrays:deleted"
SUSPICION = "xrays:suspicion"
REVIEWED = "xrays:reviewed"
SCORED = "batch"
MODEL = "model"
PREVALENCE = "site:prevalence"
SILENCE = "site:silent"
PLANS = "site:acceptance"
REQUIREMENT = "site:second-factor"
PROFILES = "site:profiles"
SWITCHES = "site:profile"
PUBLISHED_MODELS = "models:published"
WISH = "models:wish"
ORDERS = "orders"
AUDIT = "audit"
AUDIT_HEAD = "audit:head"
IDENTITY_NAMES = "identity-names"
MACHINES = "machine-keys"
WORKERS = "workers"

xray = "xray:{}".format
status = "xrays:status:{}".format
ended = "xrays:{}".format
judged = "xrays:{}:{}".format
decision = "xrays:decision:{}".format
reviews = "reviews:{}".format
blind = "blind:{}".format
reuse = "reuse:{}:{}".format
previous_reuse = "reuse:{}:{}".format
lease = "lease:{}".format
begun = "begun:{}".format
published = "published:{}".format
finished = "finished:{}".format
worker = "worker:{}".format
lock = "lock:{}".format
user = "user:{}".format
drawn = "drawn:{}".format
machine = "machine-key:{}".format
session = "session:{}".format
pending = "pending:{}".format
codes = "codes:{}".format
recovery = "recovery:{}".format
opened = "opened:{}".format
provider_log_in = "provider-log-in:{}".format
identity = "identity:{}".format
link = "link:{}".format
sessions = "sessions:{}".format
sent = "sent:{}".format
tries = "tries:{}:{}".format
tries_everywhere = "tries-everywhere:{}".format
known = "known:{}:{}".format
