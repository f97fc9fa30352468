# By its name.
terraform import lvs_virtual_server.web web
