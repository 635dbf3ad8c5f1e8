# Prometheus, Alertmanager and Grafana.

resource "aws_instance" "monitoring" {
  ami                         = local.image_id
  instance_type               = var.instance_types.monitoring
  subnet_id                   = aws_subnet.public[0].id
  private_ip                  = local.addresses.monitoring
  associate_public_ip_address = true
  vpc_security_group_ids      = [aws_security_group.hosts["monitoring"].id]
  iam_instance_profile        = aws_iam_instance_profile.hosts["monitoring"].name
  user_data                   = local.user_data["monitoring"]
  tags                        = { Name = "${var.name}-monitoring", Role = "monitoring" }

  lifecycle {
    replace_triggered_by = [terraform_data.user_data["monitoring"]]
  }

  metadata_options {
    http_endpoint               = "enabled"
    http_put_response_hop_limit = 1

    http_tokens = "required"
  }

  root_block_device {
    encrypted   = true
    volume_type = "gp3"
    volume_size = 30
  }
}
