#!/bin/sh
# Makes the certificates and keys of this folder anew, with OpenSSL 3. What each is for: README.md.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -r "$work"' EXIT
cd "$work"

cat > ca.cnf <<'EOF'
[ca]
default_ca = any
[any]
database = index
serial = serial
new_certs_dir = .
default_md = sha256
policy = policy
unique_subject = no
[policy]
commonName = optional
organizationName = optional
EOF
touch index
echo 1000 > serial

key() { openssl genpkey -algorithm EC -pkeyopt "ec_paramgen_curve:${2:-P-256}" -out "$1.key"; }

# issue NAME SUBJECT ISSUER START END [OPTION…], the extensions on standard input
issue() {
    name=$1 subject=$2 issuer=$3 start=$4 end=$5
    shift 5
    { echo '[e]'; cat; } > "$name.ext"
    [ -f "$name.key" ] || key "$name"
    openssl req -new -key "$name.key" -subj "$subject" -out "$name.csr"
    if [ "$issuer" = "$name" ]; then signer="-selfsign"; else signer="-cert $issuer.pem"; fi
    # shellcheck disable=SC2086
    openssl ca -batch -notext -config ca.cnf $signer -keyfile "$issuer.key" -in "$name.csr" -out "$name.pem" \
        -startdate "$start" -enddate "$end" -extfile "$name.ext" -extensions e "$@" 2> log || { cat log; exit 1; }
    openssl x509 -in "$name.pem" -outform DER -out "$here/$name.der"
}

long="20200101000000Z 99991231235959Z"
authority='basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign'
server='subjectAltName = DNS:server.example.com
extendedKeyUsage = serverAuth
keyUsage = critical, digitalSignature'

echo "$authority" | issue root "/O=Dunlin/CN=Root" root $long
echo "$authority" | issue impostor "/O=Dunlin/CN=Root" impostor $long
printf 'basicConstraints = critical, CA:TRUE, pathlen:0\nkeyUsage = critical, keyCertSign, cRLSign\n' |
    issue intermediate "/O=Dunlin/CN=Intermediate" root $long
echo "$authority" | issue deeper "/O=Dunlin/CN=Deeper" intermediate $long

echo "$server" | issue server "/O=Dunlin/CN=A server" intermediate $long
printf 'extendedKeyUsage = clientAuth\nkeyUsage = digitalSignature, keyAgreement\n' |
    issue client "/CN=0123456789ABCDEF" intermediate $long
echo "$server" | issue too-deep "/CN=Too deep" deeper $long
echo "$server" | issue of-impostor "/CN=Of the impostor" impostor $long

echo "$server" | issue dates "/CN=One year" root 20250101000000Z 20251231235959Z
echo "$server" | issue before-unix "/CN=Old" root 19500101000000Z 20491231235959Z
echo 'subjectAltName = DNS:*.example.com' | issue wildcard "/CN=server.example.com" root $long
echo 'keyUsage = digitalSignature' | issue common-name "/O=Dunlin/CN=Server.Example.com" root $long
echo 'subjectAltName = DNS:a.example, DNS:b.example, IP:192.0.2.1, IP:2001:db8::1, URI:coaps://c.example:5684, email:x@d.example, otherName:1.2.3.4;UTF8:o, dirName:d, RID:1.2.3.4
[d]
CN = e.example' | issue names "/CN=f.example" root $long
printf 'keyUsage = critical, keyAgreement\n' | issue agreement "/CN=Only agreement" root $long
printf 'extendedKeyUsage = anyExtendedKeyUsage\n' | issue any-purpose "/CN=Any purpose" root $long
echo "$server" | issue of-peer "/CN=Issued by no authority" any-purpose $long
printf 'basicConstraints = CA:TRUE\nkeyUsage = cRLSign\n' | issue no-signer "/CN=No signer" root $long
echo "$server" | issue of-no-signer "/CN=Issued by no signer" no-signer $long
printf '%s\nextendedKeyUsage = clientAuth\n' "$authority" | issue for-clients "/CN=For clients" root $long
echo "$server" | issue of-for-clients "/CN=Issued by one for clients" for-clients $long
echo "$authority" | issue year "/CN=Authority of a year" root 20250101000000Z 20251231235959Z
echo "$server" | issue of-year "/CN=Issued by the authority of a year" year $long
echo "$authority" | issue passing "/CN=Passing authority" root 20200101000000Z 20270116000000Z
echo 'extendedKeyUsage = clientAuth' | issue of-passing "/CN=of-passing" passing $long
printf '1.2.3.4 = critical, DER:0500\n' | issue critical "/CN=Critical" root $long
printf '1.2.3.4 = DER:0500\n' | issue unknown "/CN=Unknown, not critical" root $long
printf '%s\nnameConstraints = critical, permitted;DNS:example.com\n' "$authority" | issue constrained "/CN=Constrained" root $long
echo "$server" | issue sha384 "/CN=SHA-384" root $long -md sha384
echo "$server" | issue sha1 "/CN=SHA-1" root $long -md sha1
key p384 P-384
echo "$server" | issue p384 "/CN=P-384" root $long
openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:1024 -out rsa.key 2> log
echo "$server" | issue rsa "/CN=RSA" root $long

# As people make them who follow the first hit of a search.
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout self.key -subj "/CN=self" -days 36500 -out self.pem 2> log
openssl x509 -in self.pem -outform DER -out "$here/self-signed.der"
openssl req -new -key self.key -subj "/CN=self" -out self.csr
openssl x509 -req -in self.csr -signkey self.key -outform DER -out "$here/version-1.der" 2> log

# One key in every form.
openssl pkcs8 -topk8 -nocrypt -in server.key -outform DER -out "$here/server.pkcs8"
openssl ec -in server.key -outform DER -out "$here/server.sec1" 2> log
openssl ec -in server.key -outform DER -no_public -out "$here/server-no-public.sec1" 2> log
openssl ec -in server.key -outform DER -param_enc explicit -out "$here/server-explicit.sec1" 2> log
openssl pkey -in server.key -pubout -outform DER -out "$here/server.spki"
openssl ec -in server.key -pubout -conv_form compressed -outform DER -out "$here/server-compressed.spki" 2> log
openssl pkey -in p384.key -pubout -outform DER -out "$here/p384.spki"
openssl pkey -in p384.key -outform DER -out "$here/p384.sec1"
openssl pkcs8 -topk8 -nocrypt -in p384.key -outform DER -out "$here/p384.pkcs8"
openssl genpkey -algorithm ED25519 -out ed25519.key
openssl pkcs8 -topk8 -nocrypt -in ed25519.key -outform DER -out "$here/ed25519.pkcs8"
openssl pkey -in ed25519.key -pubout -outform DER -out "$here/ed25519.spki"
openssl pkcs8 -topk8 -nocrypt -in client.key -outform DER -out "$here/client.pkcs8"
openssl pkcs8 -topk8 -nocrypt -in of-passing.key -outform DER -out "$here/of-passing.pkcs8"
