# By its name.
terraform import lvs_check_script.gateway gateway
