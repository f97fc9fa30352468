#!/bin/sh
# Makes lvs-ca/: a CA, and for each director a folder with its certificate, its key and its tokens. Keep lvs-ca/ca-key.pem
# where neither a director nor Terraform can read it. Wants OpenSSL 3.
set -eu
umask 077
mkdir lvs-ca
cd lvs-ca

new_key='-newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc'
openssl req -x509 $new_key -days 3650 -subj '/CN=LVS directors' -keyout ca-key.pem -out ca.pem

token=$(openssl rand -hex 32)
hash=$(printf %s "$token" | sha256sum | cut -d ' ' -f 1)

for director in d1=192.0.2.11 d2=192.0.2.12; do
	name=${director%%=*}
	address=${director#*=}
	mkdir "$name"
	openssl req -x509 $new_key -days 825 -CA ca.pem -CAkey ca-key.pem -subj "/CN=$name" \
		-addext "subjectAltName=DNS:$name,IP:$address" -addext 'basicConstraints=critical,CA:FALSE' \
		-keyout "$name/server-key.pem" -out "$name/server.pem"
	echo "terraform write sha256:$hash" >"$name/tokens"
done
echo "$token" >token
