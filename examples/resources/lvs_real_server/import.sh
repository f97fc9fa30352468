# By its virtual server's name, its address and its port.
terraform import 'lvs_real_server.web["a"]' web/192.0.2.21:80

# IPv6 addresses stand in brackets.
terraform import 'lvs_real_server.six' 'web6/[2001:db8::21]:80'
