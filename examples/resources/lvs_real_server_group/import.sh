# By its virtual server's name. Servers that were made one by one are taken over by the next apply.
terraform import lvs_real_server_group.web web
