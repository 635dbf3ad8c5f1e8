variable "name" {
  description = "Prefix of every resource name, and path of the secrets."
  type        = string
  default     = "pneumonia"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,18}[a-z0-9]$", var.name))
    error_message = "The name must be 3 to 20 lower-case letters, digits and hyphens, and begin with a letter: it becomes part of bucket names."
  }
}

variable "region" {
  description = "AWS region. Patient data stays in it."
  type        = string
  default     = "eu-central-1"

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.region))
    error_message = "The region must look like eu-central-1."
  }
}

variable "zones" {
  description = "Availability zones, each with a public and a private subnet; the hosts are in the first."
  type        = list(string)
  default     = ["eu-central-1a", "eu-central-1b"]

  validation {
    condition     = length(var.zones) >= 2 && length(distinct(var.zones)) == length(var.zones)
    error_message = "At least two different zones are needed, because ElastiCache requires them."
  }

  validation {
    condition     = alltrue([for zone in var.zones : startswith(zone, var.region)])
    error_message = "All zones must be in the region, such as eu-central-1a in eu-central-1."
  }
}

variable "vpc_cidr" {
  description = "Addresses of the VPC, a /16."
  type        = string
  default     = "10.20.0.0/16"

  validation {
    condition     = can(cidrhost(var.vpc_cidr, 0)) && can(regex("^(10|172|192)\\..*/16$", var.vpc_cidr))
    error_message = "The VPC needs a private /16, such as 10.20.0.0/16."
  }
}

variable "admin_cidrs" {
  description = "Networks that may open Grafana. Nobody else can reach the monitoring host; with an empty list use Session Manager."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for cidr in var.admin_cidrs : can(cidrhost(cidr, 0))])
    error_message = "Each of admin_cidrs must be a range such as 203.0.113.7/32."
  }

  validation {
    condition     = alltrue([for cidr in var.admin_cidrs : try(tonumber(split("/", cidr)[1]) >= 16, false)])
    error_message = "Each of admin_cidrs must be a /16 or narrower: Grafana must not be public."
  }
}

variable "domain" {
  description = "Domain of the site, for a certificate from Let's Encrypt; empty for a self-signed one."
  type        = string
  default     = ""

  validation {
    condition     = var.domain == "" || can(regex("^([a-z0-9]([a-z0-9-]*[a-z0-9])?\\.)+[a-z]{2,}$", var.domain))
    error_message = "The domain must be a host name such as xray.example.org, or empty."
  }
}

variable "ai_after_reading" {
  description = "Whether readers see the AI result only after their own reading. Keep it for a site's first weeks, and look at the metric pneumonia_blind_readings before you change it."
  type        = bool
  default     = true
}

variable "keep_films" {
  description = "Whether films are kept at full resolution and depth for the viewer, without names but with text that is burned in. With false, only previews of 1,024 pixels are kept."
  type        = bool
  default     = true
}

variable "accession_as_reference" {
  description = "Whether an X-ray that was sent without a reference gets the accession number of its DICOM, which identifies a study of a patient within the hospital."
  type        = bool
  default     = false
}

variable "keep_study_references" {
  description = "Whether the UIDs of a DICOM, of its series and of its study are kept with its record, so that DICOM and FHIR reports belong to that study."
  type        = bool
  default     = false
}

variable "dicom_peers" {
  description = "Who may send X-rays by DICOM to the API hosts, port 11112: AE titles, each with the range that it comes from, such as PACS@10.1.2.3/32; empty for no DICOM node."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for peer in var.dicom_peers : can(regex("^[A-Za-z0-9_ -]{1,16}@[0-9.]+/[0-9]+$", peer)) && try(tonumber(split("/", peer)[1]) >= 16, false) && can(cidrhost(split("@", peer)[1], 0))])
    error_message = "Each of dicom_peers must be an AE title, @ and a range of /16 or narrower, such as PACS@10.1.2.3/32."
  }
}

variable "dicom_ae_title" {
  description = "The AE title of the DICOM node."
  type        = string
  default     = "PNEUMONIA"

  validation {
    condition     = can(regex("^[A-Za-z0-9_-]{1,16}$", var.dicom_ae_title))
    error_message = "dicom_ae_title must be 1 to 16 letters, digits, hyphens and underscores."
  }
}

variable "dicom_results_to" {
  description = "The PACS that gets the results of X-rays that came by DICOM, such as PACS@10.1.2.3:104; empty for none."
  type        = string
  default     = ""

  validation {
    condition     = var.dicom_results_to == "" || can(regex("^[A-Za-z0-9_-]{1,16}@[0-9]{1,3}([.][0-9]{1,3}){3}:[0-9]{1,5}$", var.dicom_results_to))
    error_message = "dicom_results_to must be an AE title with address and port, such as PACS@10.1.2.3:104, or empty."
  }
}

variable "site" {
  description = "What the pages say of this installation: the service's name, the hospital or ward, whom to ask, and what it is for. Letters without accents, digits, spaces and :/@?=._,- only; empty for the defaults."
  type = object({
    service_name      = optional(string, "")
    site_name         = optional(string, "")
    site_contact      = optional(string, "")
    environment_badge = optional(string, "")
  })
  default = {}

  validation {
    condition     = alltrue([for text in values(var.site) : can(regex("^[A-Za-z0-9:/@?=._, -]{0,64}$", text))])
    error_message = "Each text of site must have at most 64 characters: letters without accents, digits, spaces and :/@?=._,- only."
  }
}

variable "oidc" {
  description = "The OpenID provider by which people log in, as the settings of the same names in README.md; without an issuer there is none. The client's secret is put into Parameter Store before, as the SecureString /NAME/oidc-client-secret, so that it is in no state."
  type = object({
    issuer            = optional(string, "")
    client_id         = optional(string, "")
    name              = optional(string, "")
    scopes            = optional(string, "")
    roles_claim       = optional(string, "")
    roles             = optional(string, "")
    second_factor     = optional(string, "")
    break_glass_admin = optional(string, "")
  })
  default = {}

  validation {
    condition     = can(regex("^(https://[a-z0-9.-]+(:[0-9]{1,5})?(/[A-Za-z0-9._~/-]*)?)?$", var.oidc.issuer))
    error_message = "The issuer must be an https address such as https://login.example.org/realms/hospital, or empty."
  }

  validation {
    condition     = var.oidc.issuer == "" || alltrue([for text in [var.oidc.client_id, var.oidc.roles, var.domain] : text != ""])
    error_message = "With an issuer, oidc needs client_id and roles, and the site a domain: the provider sends browsers back there."
  }

  validation {
    condition     = alltrue([for text in values(var.oidc) : can(regex("^[A-Za-z0-9:/@?=._~, ;-]{0,512}$", text))])
    error_message = "Each text of oidc must have at most 512 characters: letters without accents, digits, spaces and :/@?=._~,;- only."
  }
}

variable "email" {
  description = "Receives alerts, budget warnings and messages from Let's Encrypt."
  type        = string

  validation {
    condition     = can(regex("^[^@\\s]+@[^@\\s]+\\.[^@\\s]+$", var.email))
    error_message = "The e-mail address must look like ops@example.org."
  }
}

variable "release" {
  description = "Object in the releases bucket that the hosts install; deploy.py sets it."
  type        = string

  validation {
    condition     = can(regex("^release-[0-9a-z.-]+\\.tar\\.gz$", var.release))
    error_message = "The release must be named release-VERSION.tar.gz."
  }
}

variable "image_id" {
  description = "Debian 12 image of all hosts except the trainer; null for the newest."
  type        = string
  default     = null

  validation {
    condition     = var.image_id == null || can(regex("^ami-[0-9a-f]{8,17}$", var.image_id))
    error_message = "The image id must look like ami-0123456789abcdef0, or be null."
  }
}

variable "instance_types" {
  description = "Instance type of each host except the trainer, which has trainer_instance_type."
  type = object({
    nginx      = string
    web        = string
    api        = string
    monitoring = string
  })
  default = {
    nginx      = "t3.micro"
    web        = "t3.small"
    api        = "c6i.large"
    monitoring = "t3.small"
  }

  validation {
    condition     = alltrue([for type in values(var.instance_types) : can(regex("^[a-z][a-z0-9-]*\\.[a-z0-9]+$", type))])
    error_message = "Each instance type must look like c6i.large."
  }

  validation {
    condition     = alltrue([for type in values(var.instance_types) : !can(regex("^[a-z]+[0-9]+g[a-z]*\\.", type))])
    error_message = "The hosts run amd64 images, so no Graviton type such as c7g.large can be used."
  }

  # https://docs.aws.amazon.com/ebs/latest/userguide/nvme-ebs-volumes.html: the disk of Redis is found
  # by its serial number, which Xen instances do not expose.
  validation {
    condition     = !can(regex("^(t1|t2|m1|m2|m3|m4|c1|c3|c4|r3|r4|i2|d2|h1|x1|x1e|g2|g3|g3s|p2|p3|f1)\\.", var.instance_types.api))
    error_message = "The API hosts need a Nitro instance type, such as c6i.large or t3.medium, which exposes the serial number of Redis's disk."
  }
}

variable "api_count" {
  description = "Number of hosts with API and worker; the first also runs Redis if redis is \"local\"."
  type        = number
  default     = 1

  validation {
    condition     = var.api_count >= 1 && var.api_count <= 10 && floor(var.api_count) == var.api_count
    error_message = "There must be 1 to 10 API hosts."
  }
}

variable "redis" {
  description = "Where records are stored: \"local\", on the first API host, with every write synced to disk; or \"elasticache\", which survives the loss of a host but may lose the last second of writes."
  type        = string
  default     = "local"

  validation {
    condition     = contains(["local", "elasticache"], var.redis)
    error_message = "redis must be \"local\" or \"elasticache\"."
  }
}

variable "retention_days" {
  description = "Days after which X-rays are removed: their records, previews and films, and old versions of these."
  type        = number
  default     = 365

  validation {
    condition     = var.retention_days >= 1 && floor(var.retention_days) == var.retention_days
    error_message = "retention_days must be a whole number of days, 1 or more."
  }
}

variable "trainer_enabled" {
  description = "Whether to create the GPU trainer. It costs little while it is off, but many accounts have no quota for it."
  type        = bool
  default     = true
  nullable    = false
}

variable "trainer_instance_type" {
  description = "GPU instance; the default has an NVIDIA L4."
  type        = string
  default     = "g6.xlarge"

  # P2 and P3 are excluded: Amazon's current GPU images have no driver for their K80 and V100.
  validation {
    condition     = can(regex("^(p4d|p4de|p5|p5e|p5en|g4dn|g5|g6|g6e|gr6)\\.[0-9]*x?large$", var.trainer_instance_type))
    error_message = "The trainer needs an x86 instance type whose NVIDIA GPU TensorFlow and Amazon's current images support, such as g6.xlarge, g5.xlarge or p4d.24xlarge."
  }
}

variable "trainer_image_id" {
  description = "Image of the trainer, with an NVIDIA driver for its GPU; null for the newest image named trainer_image_name."
  type        = string
  default     = null

  validation {
    condition     = var.trainer_image_id == null || can(regex("^ami-[0-9a-f]{8,17}$", var.trainer_image_id))
    error_message = "The trainer's image id must look like ami-0123456789abcdef0, or be null."
  }
}

variable "trainer_image_name" {
  description = "Name of Amazon's GPU image for the trainer, with * as wildcard."
  type        = string
  default     = "Deep Learning Base OSS Nvidia Driver GPU AMI (Ubuntu 22.04) *"
  nullable    = false

  # https://docs.aws.amazon.com/dlami/latest/devguide/: Amazon's images with the proprietary driver
  # support only P3.
  validation {
    condition     = length(var.trainer_image_name) > 0 && !strcontains(var.trainer_image_name, "Proprietary")
    error_message = "The trainer's image needs a name, and the OSS driver: Amazon's images with the proprietary driver do not support its GPUs."
  }
}

variable "trainer_hours" {
  description = "Hours after which a training run is stopped and the trainer powers off."
  type        = number
  default     = 6

  validation {
    condition     = var.trainer_hours >= 1 && var.trainer_hours <= 72
    error_message = "trainer_hours must be from 1 to 72."
  }
}

variable "tensorflow" {
  description = "What pip installs on the trainer."
  type        = string
  default     = "tensorflow[and-cuda]"

  validation {
    condition     = startswith(var.tensorflow, "tensorflow")
    error_message = "This must be a requirement of tensorflow, such as tensorflow[and-cuda]."
  }
}

variable "training_options" {
  description = "Options of model/cnn.py for each training run, such as \"--cache-features --epochs 12\"; empty for its defaults."
  type        = string
  default     = ""

  validation {
    condition     = can(regex("^[A-Za-z0-9 ./=,_-]*$", var.training_options))
    error_message = "training_options must be options of model/cnn.py, without quotes."
  }
}

variable "monthly_budget_usd" {
  description = "Monthly budget in USD; an e-mail is sent at 80 % spent and at 100 % forecast."
  type        = number
  default     = 250

  validation {
    condition     = var.monthly_budget_usd > 0
    error_message = "The budget must be above 0."
  }
}

variable "endpoint_url" {
  description = "Endpoint that replaces the AWS services, as seen from the hosts; used only by the rehearsal without AWS."
  type        = string
  default     = ""

  validation {
    condition     = var.endpoint_url == "" || can(regex("^https?://", var.endpoint_url))
    error_message = "The endpoint must be a URL, or empty."
  }
}
