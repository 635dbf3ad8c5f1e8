# ElastiCache, if redis = "elasticache". Written for provider 5 and later; the tests use an older
# provider and translate the names in a copy.

resource "aws_elasticache_subnet_group" "redis" {
  count      = var.redis == "elasticache" ? 1 : 0
  name       = "${var.name}-redis"
  subnet_ids = aws_subnet.private[*].id
}

resource "aws_elasticache_parameter_group" "redis" {
  count  = var.redis == "elasticache" ? 1 : 0
  name   = "${var.name}-redis"
  family = "redis7"

  # Refuse new writes rather than evict old records.
  parameter {
    name  = "maxmemory-policy"
    value = "noeviction"
  }

  # As in pneumonia_api/redis.conf.template: the compact form of a hash takes half the memory.
  parameter {
    name  = "hash-max-listpack-value"
    value = "1280"
  }
}

resource "aws_elasticache_replication_group" "redis" {
  count                      = var.redis == "elasticache" ? 1 : 0
  replication_group_id       = "${var.name}-redis"
  description                = "Records and queue"
  engine                     = "redis"
  engine_version             = "7.1"
  node_type                  = "cache.t4g.small"
  num_cache_clusters         = 2
  automatic_failover_enabled = true
  multi_az_enabled           = true
  parameter_group_name       = aws_elasticache_parameter_group.redis[0].name
  subnet_group_name          = aws_elasticache_subnet_group.redis[0].name
  security_group_ids         = [aws_security_group.hosts["redis"].id]
  at_rest_encryption_enabled = true
  transit_encryption_enabled = true
  auth_token                 = aws_ssm_parameter.secrets["redis-password"].value
  snapshot_retention_limit   = 7
}
