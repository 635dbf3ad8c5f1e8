# The permissions of each host: accept Session Manager, read the release and its own secrets, and use
# the objects that it works on.

locals {
  may_read = {
    nginx      = []
    web        = []
    api        = ["${local.bucket_names["artifacts"]}/models/*"]
    trainer    = ["${local.bucket_names["data"]}/*"]
    monitoring = []
  }
  may_write = {
    nginx = []
    web   = []
    # A worker promotes a model, or goes back to one, when an ML engineer says so on the page.
    api = concat(
      ["${local.bucket_names["images"]}/xrays/*"],
      [for key in ["current", "approved/*", "refused/*"] : "${local.bucket_names["artifacts"]}/models/${key}"],
    )
    trainer    = ["${local.bucket_names["artifacts"]}/*", "${local.bucket_names["images"]}/xrays/*"]
    monitoring = []
  }
  may_list = {
    nginx      = []
    web        = []
    api        = ["images", "artifacts"]
    trainer    = ["images", "artifacts", "data"]
    monitoring = []
  }
}

resource "aws_iam_role" "hosts" {
  for_each = local.secrets_of
  name     = "${var.name}-${each.key}"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "ec2.amazonaws.com" }
    }]
  })
}

# What the agent for Session Manager and Run Command needs. Amazon's managed policy would also let a
# host read every parameter of the account, and so all secrets. These actions take no resources.
resource "aws_iam_role_policy" "session_manager" {
  for_each = local.secrets_of
  name     = "session-manager"
  role     = aws_iam_role.hosts[each.key].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect = "Allow"
      Action = [
        "ssm:UpdateInstanceInformation",
        "ssmmessages:CreateControlChannel",
        "ssmmessages:CreateDataChannel",
        "ssmmessages:OpenControlChannel",
        "ssmmessages:OpenDataChannel",
        "ec2messages:AcknowledgeMessage",
        "ec2messages:DeleteMessage",
        "ec2messages:FailMessage",
        "ec2messages:GetEndpoint",
        "ec2messages:GetMessages",
        "ec2messages:SendReply",
      ]
      Resource = "*"
    }]
  })
}

resource "aws_iam_role_policy" "hosts" {
  for_each = local.secrets_of
  name     = "work"
  role     = aws_iam_role.hosts[each.key].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      [{
        Sid      = "Release"
        Effect   = "Allow"
        Action   = ["s3:GetObject"]
        Resource = [for key in concat(["${local.bucket_names["releases"]}/release-*"], local.may_read[each.key]) : "arn:aws:s3:::${key}"]
      }],
      length(each.value) == 0 ? [] : [{
        Sid      = "Secrets"
        Effect   = "Allow"
        Action   = ["ssm:GetParameter"]
        Resource = [for secret in each.value : "arn:aws:ssm:${var.region}:${local.account}:parameter/${var.name}/${secret}"]
      }],
      length(local.may_write[each.key]) == 0 ? [] : [{
        Sid      = "Write"
        Effect   = "Allow"
        Action   = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"]
        Resource = [for key in local.may_write[each.key] : "arn:aws:s3:::${key}"]
      }],
      length(local.may_list[each.key]) == 0 ? [] : [{
        Sid      = "List"
        Effect   = "Allow"
        Action   = ["s3:ListBucket"]
        Resource = [for bucket in local.may_list[each.key] : "arn:aws:s3:::${local.bucket_names[bucket]}"]
      }],
      # A training run publishes a candidate; a person decides which model is served.
      each.key != "trainer" ? [] : [{
        Sid      = "Promote"
        Effect   = "Deny"
        Action   = ["s3:PutObject", "s3:DeleteObject"]
        Resource = [for key in ["current", "approved/*"] : "arn:aws:s3:::${local.bucket_names["artifacts"]}/models/${key}"]
      }],
      each.key != "trainer" ? [] : [{
        Sid       = "GpuUse"
        Effect    = "Allow"
        Action    = ["cloudwatch:PutMetricData"]
        Resource  = ["*"]
        Condition = { StringEquals = { "cloudwatch:namespace" = "CWAgent" } }
      }],
      each.key != "monitoring" ? [] : [
        {
          Sid      = "Targets"
          Effect   = "Allow"
          Action   = ["ec2:DescribeInstances"]
          Resource = ["*"] # it knows no resources
        },
        {
          Sid      = "Alerts"
          Effect   = "Allow"
          Action   = ["sns:Publish"]
          Resource = values(local.alert_topics)
        },
      ],
    )
  })
}

resource "aws_iam_instance_profile" "hosts" {
  for_each = local.secrets_of
  name     = "${var.name}-${each.key}"
  role     = aws_iam_role.hosts[each.key].name
}
