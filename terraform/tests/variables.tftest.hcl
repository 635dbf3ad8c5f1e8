# `terraform test` refuses a wrong value of each variable before anything is built.

mock_provider "aws" {}

variables {
  email            = "ops@example.org"
  release          = "release-1.tar.gz"
  image_id         = "ami-0123456789abcdef0"
  trainer_image_id = "ami-0123456789abcdef1"
}

run "defaults_are_accepted" {
  command = plan

  assert {
    condition     = length(aws_instance.api) == 1 && length(aws_instance.trainer) == 1
    error_message = "By default there is one API host and the trainer."
  }

  assert {
    condition     = length(aws_security_group_rule.admins_into_monitoring) == 0
    error_message = "Nobody reaches the monitor unless admin_cidrs says who."
  }

  assert {
    condition     = alltrue([for notice in aws_budgets_budget.monthly.notification : notice.subscriber_email_addresses == toset([var.email])])
    error_message = "The e-mail address is told of the budget."
  }
}

run "more_hosts_and_elasticache_are_accepted" {
  command = plan

  variables {
    api_count       = 3
    redis           = "elasticache"
    trainer_enabled = false
    domain          = "xray.example.org"
    admin_cidrs     = ["203.0.113.7/32"]
  }

  assert {
    condition     = length(aws_instance.api) == 3 && length(aws_instance.trainer) == 0
    error_message = "Three API hosts and no trainer were asked for."
  }

  assert {
    condition     = length(aws_ebs_volume.redis) == 0 && aws_elasticache_replication_group.redis[0].transit_encryption_enabled
    error_message = "ElastiCache takes the place of the local Redis, encrypted in transit."
  }

  # Its certificate does not match an internal host name.
  assert {
    condition     = length(aws_route53_record.redis) == 0 && local.redis.redis_scheme == "rediss" && local.redis.redis_options == "?ssl_cert_reqs=required"
    error_message = "ElastiCache is called by its own name, and its certificate is looked at."
  }
}

run "dicom_is_for_listed_ranges_alone" {
  command = plan

  variables {
    dicom_peers      = ["PACS@10.1.2.3/32", "XRAY1@10.1.3.0/24", "XRAY2@10.1.3.0/24"]
    dicom_results_to = "PACS@10.1.2.3:104"
  }

  assert {
    condition     = toset(aws_security_group_rule.dicom_into_api[0].cidr_blocks) == toset(["10.1.2.3/32", "10.1.3.0/24"])
    error_message = "Only the listed ranges reach the DICOM node."
  }

  assert {
    condition     = aws_security_group_rule.results_out_of_api[0].cidr_blocks == tolist(["10.1.2.3/32"]) && aws_security_group_rule.results_out_of_api[0].to_port == 104
    error_message = "Results go to the PACS alone."
  }
}

run "no_dicom_by_default" {
  command = plan

  assert {
    condition     = length(aws_security_group_rule.dicom_into_api) == 0 && length(aws_security_group_rule.results_out_of_api) == 0 && !contains(keys(aws_ssm_parameter.secrets), "dicom-key")
    error_message = "Nothing is open, and there is no key, unless dicom_peers says who sends."
  }
}

run "wrong_dicom_peers_is_refused" {
  command = plan

  variables {
    dicom_peers = ["PACS@0.0.0.0/0"]
  }

  expect_failures = [var.dicom_peers]
}

run "wrong_dicom_ae_title_is_refused" {
  command = plan

  variables {
    dicom_ae_title = "a title that is too long"
  }

  expect_failures = [var.dicom_ae_title]
}

run "wrong_dicom_results_to_is_refused" {
  command = plan

  variables {
    dicom_results_to = "PACS@pacs.example.org"
  }

  expect_failures = [var.dicom_results_to]
}

run "every_host_asks_for_session_tokens" {
  command = plan

  assert {
    condition = alltrue([
      for instance in concat([aws_instance.nginx, aws_instance.web, aws_instance.monitoring], aws_instance.api, aws_instance.trainer) :
      instance.metadata_options[0].http_tokens == "required" && instance.root_block_device[0].encrypted
    ])
    error_message = "Each instance needs IMDSv2 and an encrypted disk."
  }
}

run "wrong_name_is_refused" {
  command = plan

  variables {
    name = "X"
  }

  expect_failures = [var.name]
}

run "wrong_region_is_refused" {
  command = plan

  variables {
    region = "moon"
  }

  expect_failures = [var.region]
}

run "wrong_zones_is_refused" {
  command = plan

  variables {
    zones = ["eu-central-1a"]
  }

  expect_failures = [var.zones]
}

run "wrong_vpc_cidr_is_refused" {
  command = plan

  variables {
    vpc_cidr = "10.0.0.0/8"
  }

  expect_failures = [var.vpc_cidr]
}

run "wrong_admin_cidrs_is_refused" {
  command = plan

  variables {
    admin_cidrs = ["0.0.0.0/0"]
  }

  expect_failures = [var.admin_cidrs]
}

run "wrong_domain_is_refused" {
  command = plan

  variables {
    domain = "not a name"
  }

  expect_failures = [var.domain]
}

run "wrong_email_is_refused" {
  command = plan

  variables {
    email = "nobody"
  }

  expect_failures = [var.email]
}

run "wrong_release_is_refused" {
  command = plan

  variables {
    release = "latest"
  }

  expect_failures = [var.release]
}

run "wrong_image_id_is_refused" {
  command = plan

  variables {
    image_id = "debian"
  }

  expect_failures = [var.image_id]
}

run "wrong_instance_types_is_refused" {
  command = plan

  variables {
    instance_types = { nginx = "t3.micro", web = "t3.small", api = "c7g.large", monitoring = "t3.small" }
  }

  expect_failures = [var.instance_types]
}

run "api_without_serial_numbers_of_disks_is_refused" {
  command = plan

  variables {
    instance_types = { nginx = "t3.micro", web = "t3.small", api = "m4.large", monitoring = "t3.small" }
  }

  expect_failures = [var.instance_types]
}

run "wrong_api_count_is_refused" {
  command = plan

  variables {
    api_count = 0
  }

  expect_failures = [var.api_count]
}

run "wrong_redis_is_refused" {
  command = plan

  variables {
    redis = "memory"
  }

  expect_failures = [var.redis]
}

run "wrong_retention_days_is_refused" {
  command = plan

  variables {
    retention_days = 0
  }

  expect_failures = [var.retention_days]
}

run "provider_at_another_port_is_reached" {
  command = plan

  variables {
    domain = "xray.example.org"
    oidc   = { issuer = "https://login.example.org:8443/realms/a", client_id = "xray", roles = "radiology=clinician; CN=a,OU=b=lead" }
  }

  assert {
    condition     = [for rule in aws_security_group_rule.api_to_provider : rule.from_port] == [8443]
    error_message = "The API must reach the provider at its own port, and only at that."
  }
}

run "provider_without_https_is_refused" {
  command = plan

  variables {
    domain = "xray.example.org"
    oidc   = { issuer = "http://login.example.org", client_id = "xray", roles = "radiology=clinician" }
  }

  expect_failures = [var.oidc]
}

run "provider_without_roles_is_refused" {
  command = plan

  variables {
    domain = "xray.example.org"
    oidc   = { issuer = "https://login.example.org", client_id = "xray" }
  }

  expect_failures = [var.oidc]
}

run "provider_of_a_site_without_a_domain_is_refused" {
  command = plan

  variables {
    oidc = { issuer = "https://login.example.org", client_id = "xray", roles = "radiology=clinician" }
  }

  expect_failures = [var.oidc]
}

run "wrong_trainer_instance_type_is_refused" {
  command = plan

  variables {
    trainer_instance_type = "t3.micro"
  }

  expect_failures = [var.trainer_instance_type]
}

run "arm_trainer_is_refused" {
  command = plan

  variables {
    trainer_instance_type = "g5g.xlarge"
  }

  expect_failures = [var.trainer_instance_type]
}

run "wrong_trainer_image_id_is_refused" {
  command = plan

  variables {
    trainer_image_id = "gpu"
  }

  expect_failures = [var.trainer_image_id]
}

run "trainer_without_current_driver_is_refused" {
  command = plan

  variables {
    trainer_instance_type = "p3.2xlarge"
  }

  expect_failures = [var.trainer_instance_type]
}

run "proprietary_driver_is_refused" {
  command = plan

  variables {
    trainer_image_name = "Deep Learning Base Proprietary Nvidia Driver GPU AMI (Ubuntu 20.04) *"
  }

  expect_failures = [var.trainer_image_name]
}

run "trainer_gets_amazons_image" {
  command = plan

  variables {
    trainer_image_id = null
  }

  assert {
    condition     = length(data.aws_ami.gpu) == 1
    error_message = "Without an image id, Amazon's newest GPU image is looked up."
  }
}

run "wrong_trainer_hours_is_refused" {
  command = plan

  variables {
    trainer_hours = 0
  }

  expect_failures = [var.trainer_hours]
}

run "wrong_training_options_are_refused" {
  command = plan

  variables {
    training_options = "--epochs 1; poweroff"
  }

  expect_failures = [var.training_options]
}

run "wrong_tensorflow_is_refused" {
  command = plan

  variables {
    tensorflow = "torch"
  }

  expect_failures = [var.tensorflow]
}

run "wrong_monthly_budget_usd_is_refused" {
  command = plan

  variables {
    monthly_budget_usd = 0
  }

  expect_failures = [var.monthly_budget_usd]
}

run "wrong_endpoint_url_is_refused" {
  command = plan

  variables {
    endpoint_url = "moto"
  }

  expect_failures = [var.endpoint_url]
}

run "wrong_site_is_refused" {
  command = plan

  variables {
    site = { site_name = "St. Example\"; reboot" }
  }

  expect_failures = [var.site]
}
