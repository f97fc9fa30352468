# By its name. The directors that have it become its members.
terraform import lvs_vrrp_instance.web web
