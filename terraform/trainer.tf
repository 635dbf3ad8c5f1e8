# The GPU box. Its first start installs and powers off; each later one, by deploy.py train, is one
# training run that ends with the box powering itself off. What ends a run that does not: the time
# limit of its systemd unit, this alarm on an idle GPU, and an hour later a timer of the box itself.

data "aws_ami" "gpu" {
  count       = var.trainer_enabled && var.trainer_image_id == null ? 1 : 0
  owners      = ["amazon"]
  most_recent = true

  filter {
    name   = "name"
    values = [var.trainer_image_name]
  }
}

resource "aws_instance" "trainer" {
  count                                = var.trainer_enabled ? 1 : 0
  ami                                  = var.trainer_image_id != null ? var.trainer_image_id : data.aws_ami.gpu[0].id
  instance_type                        = var.trainer_instance_type
  subnet_id                            = aws_subnet.private[0].id
  private_ip                           = local.addresses.trainer
  vpc_security_group_ids               = [aws_security_group.hosts["trainer"].id]
  iam_instance_profile                 = aws_iam_instance_profile.hosts["trainer"].name
  user_data                            = local.user_data["trainer"]
  instance_initiated_shutdown_behavior = "stop"
  tags                                 = { Name = "${var.name}-trainer", Role = "trainer" }
  depends_on                           = [aws_route.nat, aws_route_table_association.private]

  lifecycle {
    replace_triggered_by = [terraform_data.user_data["trainer"]]
  }

  metadata_options {
    http_endpoint               = "enabled"
    http_put_response_hop_limit = 1

    http_tokens = "required"
  }

  root_block_device {
    encrypted   = true
    volume_type = "gp3"
    volume_size = 100
  }
}

# The GPU's own use, which the CloudWatch agent on the box reports: the processor may be busy with
# nothing, and idle while the GPU works. No data, as while it is off, is no alarm.
resource "aws_cloudwatch_metric_alarm" "gpu_idle" {
  count               = var.trainer_enabled ? 1 : 0
  alarm_name          = "${var.name}-trainer-idle"
  alarm_description   = "The trainer's GPU did nothing for an hour: it is stopped, and its run is lost. terraform/deploy.py logs trainer shows how far it came."
  namespace           = "CWAgent"
  metric_name         = "nvidia_smi_utilization_gpu"
  dimensions          = { InstanceId = aws_instance.trainer[0].id }
  statistic           = "Maximum"
  comparison_operator = "LessThanThreshold"
  threshold           = 2
  period              = 300
  evaluation_periods  = 12
  treat_missing_data  = "notBreaching"
  alarm_actions       = ["arn:aws:automate:${var.region}:ec2:stop", aws_sns_topic.alarms.arn]
}
