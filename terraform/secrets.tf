# Generated once: uuid() takes 122 bits from the system's random source, and later plans ignore the new
# value. Like every generated secret they are in the state, so the state must be encrypted (README.md).
# They are in no output and no user data: hosts read them from Parameter Store with their own role.

locals {
  secrets = merge(
    {
      redis-password      = "Redis"
      api-key             = "machines that call the API"
      secret-key          = "signs the session cookie of the web service"
      web-key             = "proves to the API that a request comes from the web service"
      first-user-password = "first log-in"
      grafana-password    = "Grafana's administrator"
    },
    local.has_dicom ? { dicom-key = "the DICOM node, which may upload and nothing else" } : {},
  )

  # Which host may read what.
  secrets_of = {
    nginx = []
    web   = ["secret-key", "web-key"]
    api = concat(
      ["redis-password", "api-key", "web-key", "first-user-password"],
      var.oidc.issuer == "" ? [] : ["oidc-client-secret"],
      local.has_dicom ? ["dicom-key"] : [],
    )
    trainer    = ["redis-password"]
    monitoring = ["grafana-password"]
  }
}

resource "aws_ssm_parameter" "secrets" {
  for_each    = local.secrets
  name        = "/${var.name}/${each.key}"
  description = each.value
  type        = "SecureString"
  value       = sha256("${uuid()}${uuid()}")

  lifecycle {
    ignore_changes = [value]
  }
}
