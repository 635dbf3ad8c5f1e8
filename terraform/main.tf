# The deployment on AWS: nginx -> web -> API, Redis and worker; a GPU box that trains; a monitor.
# Each file is named by what it builds; README.md tells how to use it.

provider "aws" {
  region = var.region

  default_tags {
    tags = local.tags
  }
}

data "aws_caller_identity" "current" {}

# Debian 12, by Debian's own account: what the hosts' scripts are written for.
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

  # Every host has the address that is written here, so that configuration can name it before the
  # host exists. .10 and above: AWS keeps the first four addresses of a subnet to itself.
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
    node_exporter  = 9100
    redis_exporter = 9121
    nginx_exporter = 9113
    gpu_exporter   = 9400
  }
}
