# The hosts of the service. They are immutable: a new release or setting replaces a host.

locals {
  # Template variables of common.sh, which every script needs; each script adds its own.
  host_values = {
    name         = var.name
    region       = var.region
    release_url  = "s3://${local.bucket_names["releases"]}/${var.release}"
    endpoint_url = var.endpoint_url
    inside       = local.domain_inside
    images_url   = "s3://${local.bucket_names["images"]}/xrays"
    models_url   = "s3://${local.bucket_names["artifacts"]}/models"
  }

  user_data = {
    for host, values in {
      nginx      = { domain = var.domain, email = var.email, public_name = var.domain != "" ? var.domain : aws_eip.nginx.public_ip }
      web        = { nginx_address = local.addresses.nginx, ai_after_reading = var.ai_after_reading ? 1 : 0, site = var.site, oidc = var.oidc }
      monitoring = { domain = var.domain, topics = local.alert_topics, has_dicom = local.has_dicom, sends_results = local.sends_results }
      trainer    = merge(local.redis, { tensorflow = var.tensorflow, data_url = "s3://${local.bucket_names["data"]}/kermany", hours = var.trainer_hours, options = var.training_options })
    } :
    host => join("\n", [
      templatefile("${path.module}/user_data/common.sh", local.host_values),
      templatefile("${path.module}/user_data/${host}.sh", merge(local.host_values, values)),
    ])
  }

  api_user_data = [
    for index, address in local.api_addresses : join("\n", [
      templatefile("${path.module}/user_data/common.sh", local.host_values),
      templatefile("${path.module}/user_data/api.sh", merge(local.host_values, local.redis, {
        address        = address
        first          = index == 0
        keep_films     = var.keep_films ? 1 : 0
        accession      = var.accession_as_reference ? 1 : 0
        references     = var.keep_study_references ? 1 : 0
        retention_days = var.retention_days
        dicom_peers    = join(",", var.dicom_peers)
        dicom_title    = var.dicom_ae_title
        results_to     = local.sends_results ? var.dicom_results_to : ""
        oidc           = var.oidc
        public_url     = "https://${var.domain}"
        local_redis    = var.redis == "local" && index == 0
        redis_volume   = join("", aws_ebs_volume.redis[*].id)
      })),
    ])
  ]

  # ElastiCache is addressed by the name in its certificate; Celery must be configured to verify it.
  redis = {
    redis_scheme  = var.redis == "local" ? "redis" : "rediss"
    redis_host    = var.redis == "local" ? "redis.${local.domain_inside}" : aws_elasticache_replication_group.redis[0].primary_endpoint_address
    redis_options = var.redis == "local" ? "" : "?ssl_cert_reqs=required"
  }
}

# A host runs its script only at its first start, so a changed script replaces the host.
resource "terraform_data" "user_data" {
  for_each = local.user_data
  input    = sha256(each.value)
}

resource "terraform_data" "api_user_data" {
  count = var.api_count
  input = sha256(local.api_user_data[count.index])
}

resource "aws_instance" "nginx" {
  ami                    = local.image_id
  instance_type          = var.instance_types.nginx
  subnet_id              = aws_subnet.public[0].id
  private_ip             = local.addresses.nginx
  vpc_security_group_ids = [aws_security_group.hosts["nginx"].id]
  iam_instance_profile   = aws_iam_instance_profile.hosts["nginx"].name
  user_data              = local.user_data["nginx"]
  tags                   = { Name = "${var.name}-nginx", Role = "nginx" }

  lifecycle {
    replace_triggered_by = [terraform_data.user_data["nginx"]]
  }

  metadata_options {
    http_endpoint               = "enabled"
    http_put_response_hop_limit = 1

    http_tokens = "required"
  }

  root_block_device {
    encrypted   = true
    volume_type = "gp3"
    volume_size = 10
  }
}

resource "aws_eip" "nginx" {
  tags       = { Name = "${var.name}-nginx" }
  depends_on = [aws_internet_gateway.main]
}

resource "aws_eip_association" "nginx" {
  instance_id   = aws_instance.nginx.id
  allocation_id = aws_eip.nginx.id
}

resource "aws_instance" "web" {
  ami                    = local.image_id
  instance_type          = var.instance_types.web
  subnet_id              = aws_subnet.private[0].id
  private_ip             = local.addresses.web
  vpc_security_group_ids = [aws_security_group.hosts["web"].id]
  iam_instance_profile   = aws_iam_instance_profile.hosts["web"].name
  user_data              = local.user_data["web"]
  tags                   = { Name = "${var.name}-web", Role = "web" }

  lifecycle {
    replace_triggered_by = [terraform_data.user_data["web"]]
  }

  # It installs packages through the NAT gateway.
  depends_on = [aws_route.nat, aws_route_table_association.private]

  metadata_options {
    http_endpoint               = "enabled"
    http_put_response_hop_limit = 1

    http_tokens = "required"
  }

  root_block_device {
    encrypted   = true
    volume_type = "gp3"
    volume_size = 10
  }
}

resource "aws_instance" "api" {
  count         = var.api_count
  ami           = local.image_id
  instance_type = var.instance_types.api
  subnet_id     = aws_subnet.private[0].id
  private_ip    = local.api_addresses[count.index]
  vpc_security_group_ids = concat(
    [aws_security_group.hosts["api"].id],
    var.redis == "local" && count.index == 0 ? [aws_security_group.hosts["redis"].id] : [],
  )
  iam_instance_profile = aws_iam_instance_profile.hosts["api"].name
  user_data            = local.api_user_data[count.index]
  tags                 = { Name = "${var.name}-api-${count.index}", Role = "api" }
  depends_on           = [aws_route.nat, aws_route_table_association.private]

  lifecycle {
    replace_triggered_by = [terraform_data.api_user_data[count.index]]
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

# Records outlive their host: the files of Redis are on a separate disk, which no plan may delete.
# `deploy.py destroy --with-data` deletes it before it runs Terraform.
resource "aws_ebs_volume" "redis" {
  count             = var.redis == "local" ? 1 : 0
  availability_zone = var.zones[0]
  size              = 20
  type              = "gp3"
  encrypted         = true
  tags              = { Name = "${var.name}-redis" }

  lifecycle {
    prevent_destroy = true
  }
}

resource "aws_volume_attachment" "redis" {
  count       = var.redis == "local" ? 1 : 0
  device_name = "/dev/sdf"
  volume_id   = aws_ebs_volume.redis[0].id
  instance_id = aws_instance.api[0].id
}
