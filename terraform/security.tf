# Which host reaches which, by security group, never by address. The internet reaches only nginx.
# There is no SSH: Session Manager needs no open port.

locals {
  has_dicom     = length(var.dicom_peers) > 0
  sends_results = local.has_dicom && var.dicom_results_to != ""

  groups = {
    nginx      = "Proxy: the only host reachable from the internet"
    web        = "Web service: reached by nginx"
    api        = "API and worker: reached by the web service"
    redis      = "Redis: reached by API hosts and trainer"
    trainer    = "GPU trainer: serves nobody"
    monitoring = "Prometheus and Grafana: reached by administrators"
  }

  # "from to port": each row becomes an egress rule of one group and an ingress rule of the other.
  paths = {
    for path in concat(
      [
        ["nginx", "web", local.ports.web],
        ["web", "api", local.ports.api],
        ["api", "redis", local.ports.redis],
        ["trainer", "redis", local.ports.redis],
        ["monitoring", "nginx", local.ports.https],
        ["monitoring", "web", local.ports.web],
        ["monitoring", "api", local.ports.api],
        ["monitoring", "api", local.ports.worker_metrics],
        ["monitoring", "api", local.ports.redis_exporter],
        ["monitoring", "nginx", local.ports.nginx_exporter],
        ["monitoring", "trainer", local.ports.gpu_exporter],
      ],
      [for host in ["nginx", "web", "api", "trainer"] : ["monitoring", host, local.ports.node_exporter]],
      local.has_dicom ? [["monitoring", "api", local.ports.dicom_metrics]] : [],
      local.sends_results ? [["monitoring", "api", local.ports.result_metrics]] : [],
    ) : join(" ", path) => { from = path[0], to = path[1], port = tonumber(path[2]) }
  }

  provider_port = try(tonumber(regex("^https://[^/:]+:([0-9]+)", var.oidc.issuer)[0]), local.ports.https)

  # The addresses of package mirrors and AWS services change.
  outward = {
    for pair in setproduct(["nginx", "web", "api", "trainer", "monitoring"], ["http", "https"]) :
    join(" ", pair) => { group = pair[0], port = local.ports[pair[1]] }
  }
}

resource "aws_security_group" "hosts" {
  for_each    = local.groups
  name        = "${var.name}-${each.key}"
  description = each.value
  vpc_id      = aws_vpc.main.id
  tags        = { Name = "${var.name}-${each.key}" }
}

resource "aws_security_group_rule" "into" {
  for_each                 = local.paths
  type                     = "ingress"
  security_group_id        = aws_security_group.hosts[each.value.to].id
  source_security_group_id = aws_security_group.hosts[each.value.from].id
  protocol                 = "tcp"
  from_port                = each.value.port
  to_port                  = each.value.port
  description              = each.key
}

resource "aws_security_group_rule" "out_of" {
  for_each                 = local.paths
  type                     = "egress"
  security_group_id        = aws_security_group.hosts[each.value.from].id
  source_security_group_id = aws_security_group.hosts[each.value.to].id
  protocol                 = "tcp"
  from_port                = each.value.port
  to_port                  = each.value.port
  description              = each.key
}

resource "aws_security_group_rule" "internet_into_nginx" {
  for_each          = { for name in ["http", "https"] : name => local.ports[name] }
  type              = "ingress"
  security_group_id = aws_security_group.hosts["nginx"].id
  cidr_blocks       = ["0.0.0.0/0"]
  protocol          = "tcp"
  from_port         = each.value
  to_port           = each.value
  description       = "Browsers by ${each.key}"
}

# The API asks the OpenID provider about people; port 443 is open to it as to the package mirrors.
resource "aws_security_group_rule" "api_to_provider" {
  count             = local.provider_port == local.ports.https ? 0 : 1
  type              = "egress"
  security_group_id = aws_security_group.hosts["api"].id
  cidr_blocks       = ["0.0.0.0/0"]
  protocol          = "tcp"
  from_port         = local.provider_port
  to_port           = local.provider_port
  description       = "The OpenID provider"
}

resource "aws_security_group_rule" "admins_into_monitoring" {
  count             = length(var.admin_cidrs) > 0 ? 1 : 0
  type              = "ingress"
  security_group_id = aws_security_group.hosts["monitoring"].id
  cidr_blocks       = var.admin_cidrs
  protocol          = "tcp"
  from_port         = local.ports.https
  to_port           = local.ports.https
  description       = "Grafana, over TLS"
}

# Modalities and the PACS, which are known by AE title and address.
resource "aws_security_group_rule" "dicom_into_api" {
  count             = local.has_dicom ? 1 : 0
  type              = "ingress"
  security_group_id = aws_security_group.hosts["api"].id
  cidr_blocks       = distinct([for peer in var.dicom_peers : split("@", peer)[1]])
  protocol          = "tcp"
  from_port         = local.ports.dicom
  to_port           = local.ports.dicom
  description       = "DICOM from the listed peers"
}

resource "aws_security_group_rule" "results_out_of_api" {
  count             = local.sends_results ? 1 : 0
  type              = "egress"
  security_group_id = aws_security_group.hosts["api"].id
  cidr_blocks       = ["${split(":", split("@", var.dicom_results_to)[1])[0]}/32"]
  protocol          = "tcp"
  from_port         = tonumber(split(":", var.dicom_results_to)[1])
  to_port           = tonumber(split(":", var.dicom_results_to)[1])
  description       = "Results to the PACS"
}

resource "aws_security_group_rule" "outward" {
  for_each          = local.outward
  type              = "egress"
  security_group_id = aws_security_group.hosts[each.value.group].id
  cidr_blocks       = ["0.0.0.0/0"]
  protocol          = "tcp"
  from_port         = each.value.port
  to_port           = each.value.port
  description       = "Packages and AWS services"
}
