# List prices for eu-central-1 in USD per month of 730 hours, as of November 2026, rounded. Check them
# before you decide.
#
# | what                                  | a month |
# |---------------------------------------|---------|
# | nginx t3.micro                        |       9 |
# | web t3.small                          |      18 |
# | api c6i.large                         |      71 |
# | monitoring t3.small                   |      18 |
# | NAT gateway, without traffic          |      38 |
# | disks, 200 GB gp3, 100 the trainer's  |      19 |
# | public addresses, 3                   |      11 |
# | S3, logs, DNS, parameters             |       5 |
# | all of it, trainer off                |     189 |
# | each further API host, with its disk  |      74 |
# | ElastiCache, two cache.t4g.small      |      55 |
# | trainer: g6.xlarge, for each hour on  |    1.01 |

output "address" {
  description = "Address of the site; without a domain its certificate is self-signed and browsers warn."
  value       = "https://${var.domain != "" ? var.domain : aws_eip.nginx.public_ip}"
}

output "public_address" {
  description = "Address for the domain's A record."
  value       = aws_eip.nginx.public_ip
}

output "log_in" {
  description = "Prints the password of the first user, doctor."
  value       = "aws ssm get-parameter --region ${var.region} --name /${var.name}/first-user-password --with-decryption --query Parameter.Value --output text"
}

output "grafana" {
  description = "Opens Grafana at https://localhost:3000 through Session Manager; the user is admin. Networks in admin_cidrs can use grafana_address directly."
  value       = "aws ssm start-session --region ${var.region} --target ${aws_instance.monitoring.id} --document-name AWS-StartPortForwardingSession --parameters portNumber=443,localPortNumber=3000"
}

output "grafana_address" {
  description = "Grafana, for admin_cidrs only; its certificate is self-signed."
  value       = "https://${aws_instance.monitoring.public_ip}"
}

output "grafana_password" {
  description = "Prints Grafana's password."
  value       = "aws ssm get-parameter --region ${var.region} --name /${var.name}/grafana-password --with-decryption --query Parameter.Value --output text"
}

output "shell" {
  description = "Opens a shell on the host with an instance id."
  value       = "aws ssm start-session --region ${var.region} --target INSTANCE"
}

output "instances" {
  description = "Instance ids by host."
  value = merge(
    {
      nginx      = aws_instance.nginx.id
      web        = aws_instance.web.id
      monitoring = aws_instance.monitoring.id
    },
    { for index, instance in aws_instance.api : "api-${index}" => instance.id },
    { for instance in aws_instance.trainer : "trainer" => instance.id },
  )
}

output "buckets" {
  description = "Buckets by purpose."
  value       = { for name, bucket in aws_s3_bucket.all : name => bucket.id }
}
