# The deployment on AWS: nginx -> web -> API, Redis and worker; a GPU trainer; a monitoring host.
# Each file is named after what it builds; see README.md.

provider "aws" {
  region = var.region

  default_tags {
    tags = local.tags
  }
}

data "aws_caller_identity" "current" {}

# Debian 12, published by Debian: the hosts' scripts are written for it.
data "aws_ami" "debian" {
  count       = var.image_id == null ? 1 : 0
  owners      = ["136693071363"]
  most_recent = true

  filter {
    name   = "name"
    values = ["debian-12-amd64-*"]
  }
}

locals {
  tags = {
    Project   = var.name
    ManagedBy = "terraform"
  }

  image_id = var.image_id != null ? var.image_id : data.aws_ami.debian[0].id
  account  = data.aws_caller_identity.current.account_id

  # Fixed addresses, so that configuration can refer to a host before it exists. From .10 on: AWS
  # reserves the first four addresses of a subnet.
  public_cidr  = cidrsubnet(var.vpc_cidr, 8, 0)
  private_cidr = cidrsubnet(var.vpc_cidr, 8, 100)

  addresses = {
    nginx      = cidrhost(local.public_cidr, 10)
    monitoring = cidrhost(local.public_cidr, 20)
    web        = cidrhost(local.private_cidr, 10)
    trainer    = cidrhost(local.private_cidr, 30)
  }
  api_addresses = [for index in range(var.api_count) : cidrhost(local.private_cidr, 20 + index)]

  domain_inside = "${var.name}.internal"

  ports = {
    http           = 80
    https          = 443
    web            = 8000
    api            = 5000
    redis          = 6379
    worker_metrics = 9200
    dicom          = 11112
    dicom_metrics  = 9201
    result_metrics = 9202
    node_exporter  = 9100
    redis_exporter = 9121
    nginx_exporter = 9113
    gpu_exporter   = 9400
  }
}
