# The files use only syntax that AWS provider 3.39 and 6.x both accept, so that the tests apply the same
# files to a mock of AWS.
terraform {
  required_version = ">= 1.10"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 3.39, < 7.0"
    }
  }
}
