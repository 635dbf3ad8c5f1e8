# Buckets. Encryption, versioning and lifecycle are blocks inside the bucket. Current providers call
# this form deprecated but accept it; the provider of the tests knows no other.

locals {
  buckets = {
    images    = "uploads that wait, previews and films"
    artifacts = "models, by version, and which one is served"
    releases  = "what the hosts install"
    data      = "the data set to train on"
  }
  bucket_names = { for name in keys(local.buckets) : name => "${var.name}-${name}-${local.account}" }
}

resource "aws_s3_bucket" "all" {
  for_each = local.buckets
  bucket   = local.bucket_names[each.key]
  tags     = { Purpose = each.value }

  versioning {
    enabled = true
  }

  server_side_encryption_configuration {
    rule {
      apply_server_side_encryption_by_default {
        sse_algorithm = "AES256"
      }
    }
  }

  # Images of patients expire after retention_days; in other buckets only old versions expire.
  dynamic "lifecycle_rule" {
    for_each = each.key == "images" ? [1] : []

    content {
      id      = "retention"
      enabled = true

      expiration {
        days = var.retention_days
      }

      noncurrent_version_expiration {
        days = 1
      }
    }
  }

  dynamic "lifecycle_rule" {
    for_each = each.key == "images" ? [] : [1]

    content {
      id      = "old-versions"
      enabled = true

      noncurrent_version_expiration {
        days = 90
      }
    }
  }

  lifecycle_rule {
    id                                     = "broken-uploads"
    enabled                                = true
    abort_incomplete_multipart_upload_days = 1
  }
}

resource "aws_s3_bucket_public_access_block" "all" {
  for_each                = local.buckets
  bucket                  = aws_s3_bucket.all[each.key].id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_policy" "tls_only" {
  for_each = local.buckets
  bucket   = aws_s3_bucket.all[each.key].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "TlsOnly"
      Effect    = "Deny"
      Principal = "*"
      Action    = "s3:*"
      Resource = [
        "arn:aws:s3:::${local.bucket_names[each.key]}",
        "arn:aws:s3:::${local.bucket_names[each.key]}/*",
      ]
      Condition = { Bool = { "aws:SecureTransport" = "false" } }
    }]
  })

  # AWS refuses concurrent changes of one bucket.
  depends_on = [aws_s3_bucket_public_access_block.all]
}
