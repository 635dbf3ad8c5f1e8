# Where Alertmanager tells: pages to whoever is on call, tickets to be read in working hours. Both go
# to the e-mail address, once it has confirmed; a telephone or another service subscribes to pages.

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

# For CloudWatch, which cannot publish to a topic under SNS's own key: nobody can let it use that key.
# Its messages name an instance and a figure.
resource "aws_sns_topic" "alarms" {
  name = "${var.name}-alarms"
}

resource "aws_sns_topic_subscription" "alarms" {
  topic_arn = aws_sns_topic.alarms.arn
  protocol  = "email"
  endpoint  = var.email
}
