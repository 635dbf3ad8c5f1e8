# Where Alertmanager sends pages (for the person on call) and tickets (for working hours). Both reach
# the e-mail address once it has confirmed; subscribe a phone or another service to pages.

locals {
  alert_topics = { for kind in ["pages", "tickets"] : kind => "arn:aws:sns:${var.region}:${local.account}:${var.name}-${kind}" }
}

resource "aws_sns_topic" "alerts" {
  for_each          = local.alert_topics
  name              = "${var.name}-${each.key}"
  kms_master_key_id = "alias/aws/sns"
}

resource "aws_sns_topic_subscription" "email" {
  for_each  = local.alert_topics
  topic_arn = aws_sns_topic.alerts[each.key].arn
  protocol  = "email"
  endpoint  = var.email
}

# For CloudWatch, which cannot publish to a topic encrypted with the AWS-managed key of SNS, because
# that key's policy cannot be changed. Its messages contain only an instance id and a metric.
resource "aws_sns_topic" "alarms" {
  name = "${var.name}-alarms"
}

resource "aws_sns_topic_subscription" "alarms" {
  topic_arn = aws_sns_topic.alarms.arn
  protocol  = "email"
  endpoint  = var.email
}
