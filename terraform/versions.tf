# Written in the forms that AWS provider 3.39 and 6.x both accept, so that what is applied against a
# local stand-in of AWS in the tests is what is applied on AWS.
terraform {
  required_version = ">= 1.10"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 3.39, < 7.0"
    }
  }
}
