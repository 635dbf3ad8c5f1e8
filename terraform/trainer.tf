# The GPU trainer. Its first start installs it and powers it off; each later start, by deploy.py train,
# is one training run, after which it powers itself off. Three limits end a run that hangs: the time
# limit of its systemd unit, the alarm on an idle GPU, and a timer an hour after the time limit.

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

# GPU utilisation, reported by the CloudWatch agent on the trainer; CPU utilisation says little about
# training. Missing data, such as while the trainer is off, raises no alarm.
resource "aws_cloudwatch_metric_alarm" "gpu_idle" {
  count               = var.trainer_enabled ? 1 : 0
  alarm_name          = "${var.name}-trainer-idle"
  alarm_description   = "The trainer's GPU was idle for an hour, so the trainer is stopped and its run is interrupted. terraform/deploy.py logs trainer shows how far it got."
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
