/* A DTLS 1.2 client and server on mbed TLS, for the interop suite.
 *
 *   mbedtls_peer server|client port=N [name=value …]
 *
 *   psk=HEX identity=TEXT     a pre-shared key
 *   cert=FILE key=FILE        an own certificate
 *   ca=FILE                   the other side has to have a certificate of this authority
 *   suite=NAME                the only suite, by mbed TLS's name
 *   cid=HEX                   wants records to carry this connection id (RFC 9146); may be empty
 *   mfl=N                     max_fragment_length, 512 to 4096
 *   mtu=N                     the longest datagram sent, which fragments the handshake
 *   sni=NAME                  the server's name, sent and checked
 *   ems=0                     without the extended master secret
 *   tickets=1                 session tickets, offered or given
 *
 * The server answers each record with the same bytes. The client sends each line of its standard input; the lines
 * "/rebind" (go on from another port), "/resume" (close and handshake again with the session) and "/close" are orders.
 * Both print "listening", "established SUITE …", "received TEXT", "closed" and "failed WHY". The server serves one
 * peer after the other, and takes a new address only with a record that proves to be the peer's.
 *
 * Builds with mbed TLS 2.28 and 3.6. */
#define MBEDTLS_ALLOW_PRIVATE_ACCESS
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <mbedtls/ctr_drbg.h>
#include <mbedtls/entropy.h>
#include <mbedtls/error.h>
#include <mbedtls/ssl.h>
#include <mbedtls/ssl_cache.h>
#include <mbedtls/ssl_cookie.h>
#include <mbedtls/ssl_ticket.h>
#include <mbedtls/timing.h>
#include <mbedtls/version.h>
#if MBEDTLS_VERSION_MAJOR >= 3
#include <psa/crypto.h>
#endif

/* The socket, and the addresses of the peer and of the datagram that came last. */
struct link {
  int socket;
  struct sockaddr_in peer, last;
};

static mbedtls_entropy_context entropy;
static mbedtls_ctr_drbg_context drbg;
static mbedtls_ssl_config conf;
static mbedtls_ssl_context ssl;
static mbedtls_timing_delay_context timer;
static mbedtls_ssl_cookie_ctx cookies;
static mbedtls_ssl_cache_context cache;
static mbedtls_ssl_ticket_context tickets;
static mbedtls_x509_crt own, ca;
static mbedtls_pk_context key;
static struct link transport;
static unsigned char cid[32];
static size_t cid_len;
static int is_server, has_cid;

static void fail(const char *what, int code) {
  char text[160] = "";
  if (code)
    mbedtls_strerror(code, text, sizeof text);
  printf("failed %s %s\n", what, text);
  exit(1);
}

static void need(const char *what, int code) {
  if (code)
    fail(what, code);
}

static size_t from_hex(const char *hex, unsigned char *bytes, size_t room) {
  size_t len = 0;
  for (unsigned byte; len < room && sscanf(hex, "%2x", &byte) == 1; hex += 2)
    bytes[len++] = (unsigned char)byte;
  if (*hex)
    fail("no hex, or too long", 0);
  return len;
}

/* The value of an option, or NULL. */
static const char *option(char **argv, const char *name) {
  size_t len = strlen(name);
  for (; *argv; argv++)
    if (!strncmp(*argv, name, len) && (*argv)[len] == '=')
      return *argv + len + 1;
  return NULL;
}

static int send_datagram(void *context, const unsigned char *bytes, size_t len) {
  struct link *l = context;
  ssize_t sent = sendto(l->socket, bytes, len, 0, (struct sockaddr *)&l->peer, sizeof l->peer);
  return sent < 0 ? MBEDTLS_ERR_SSL_INTERNAL_ERROR : (int)sent;
}

/* Waits so many milliseconds, 0 for ever. */
static int receive_datagram(void *context, unsigned char *bytes, size_t room, uint32_t timeout) {
  struct link *l = context;
  struct pollfd wait = {.fd = l->socket, .events = POLLIN};
  if (poll(&wait, 1, timeout ? (int)timeout : -1) == 0)
    return MBEDTLS_ERR_SSL_TIMEOUT;
  socklen_t len = sizeof l->last;
  ssize_t received = recvfrom(l->socket, bytes, room, 0, (struct sockaddr *)&l->last, &len);
  if (received < 0)
    /* Nothing listens there any more, as ICMP told: for the handshake it is a lost datagram. */
    return errno == ECONNREFUSED ? MBEDTLS_ERR_SSL_WANT_READ : MBEDTLS_ERR_SSL_INTERNAL_ERROR;
  return (int)received;
}

static int new_socket(int port) {
  int s = socket(AF_INET, SOCK_DGRAM, 0);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (s < 0 || bind(s, (struct sockaddr *)&address, sizeof address))
    fail("cannot bind", 0);
  return s;
}

static void configure(char **argv) {
  const char *value;
  mbedtls_ssl_config_init(&conf);
  need("defaults", mbedtls_ssl_config_defaults(&conf, is_server ? MBEDTLS_SSL_IS_SERVER : MBEDTLS_SSL_IS_CLIENT,
                                               MBEDTLS_SSL_TRANSPORT_DATAGRAM, MBEDTLS_SSL_PRESET_DEFAULT));
  mbedtls_ssl_conf_rng(&conf, mbedtls_ctr_drbg_random, &drbg);
  mbedtls_ssl_conf_min_version(&conf, MBEDTLS_SSL_MAJOR_VERSION_3, MBEDTLS_SSL_MINOR_VERSION_3);
  mbedtls_ssl_conf_max_version(&conf, MBEDTLS_SSL_MAJOR_VERSION_3, MBEDTLS_SSL_MINOR_VERSION_3);
  if ((value = option(argv, "suite"))) {
    static int suites[2];
    if (!(suites[0] = mbedtls_ssl_get_ciphersuite_id(value)))
      fail("no such suite", 0);
    mbedtls_ssl_conf_ciphersuites(&conf, suites);
  }
  if ((value = option(argv, "psk"))) {
    unsigned char psk[64];
    size_t len = from_hex(value, psk, sizeof psk);
    const char *identity = option(argv, "identity");
    if (!identity)
      fail("psk without identity", 0);
    need("psk", mbedtls_ssl_conf_psk(&conf, psk, len, (const unsigned char *)identity, strlen(identity)));
  }
  mbedtls_ssl_conf_authmode(&conf, MBEDTLS_SSL_VERIFY_NONE);
  if ((value = option(argv, "ca"))) {
    need("ca", mbedtls_x509_crt_parse_file(&ca, value));
    mbedtls_ssl_conf_ca_chain(&conf, &ca, NULL);
    mbedtls_ssl_conf_authmode(&conf, MBEDTLS_SSL_VERIFY_REQUIRED);
  }
  if ((value = option(argv, "cert"))) {
    need("cert", mbedtls_x509_crt_parse_file(&own, value));
#if MBEDTLS_VERSION_MAJOR >= 3
    need("key", mbedtls_pk_parse_keyfile(&key, option(argv, "key"), NULL, mbedtls_ctr_drbg_random, &drbg));
#else
    need("key", mbedtls_pk_parse_keyfile(&key, option(argv, "key"), NULL));
#endif
    need("own cert", mbedtls_ssl_conf_own_cert(&conf, &own, &key));
  }
  if ((value = option(argv, "mfl"))) {
    int code = 0;
    for (int len = 256; len < atoi(value); len *= 2)
      code++;
    need("mfl", mbedtls_ssl_conf_max_frag_len(&conf, (unsigned char)code));
  }
  if ((value = option(argv, "ems")) && !atoi(value))
    mbedtls_ssl_conf_extended_master_secret(&conf, MBEDTLS_SSL_EXTENDED_MS_DISABLED);
  int wants_tickets = (value = option(argv, "tickets")) && atoi(value);
  if (!is_server) {
    mbedtls_ssl_conf_session_tickets(
        &conf, wants_tickets ? MBEDTLS_SSL_SESSION_TICKETS_ENABLED : MBEDTLS_SSL_SESSION_TICKETS_DISABLED);
  } else {
    if (wants_tickets) {
      mbedtls_ssl_ticket_init(&tickets);
      need("tickets", mbedtls_ssl_ticket_setup(&tickets, mbedtls_ctr_drbg_random, &drbg, MBEDTLS_CIPHER_AES_128_GCM,
                                               3600));
      mbedtls_ssl_conf_session_tickets_cb(&conf, mbedtls_ssl_ticket_write, mbedtls_ssl_ticket_parse, &tickets);
    }
    mbedtls_ssl_cache_init(&cache);
    mbedtls_ssl_conf_session_cache(&conf, &cache, mbedtls_ssl_cache_get, mbedtls_ssl_cache_set);
    mbedtls_ssl_cookie_init(&cookies);
    need("cookies", mbedtls_ssl_cookie_setup(&cookies, mbedtls_ctr_drbg_random, &drbg));
    mbedtls_ssl_conf_dtls_cookies(&conf, mbedtls_ssl_cookie_write, mbedtls_ssl_cookie_check, &cookies);
  }
  if ((value = option(argv, "cid"))) {
    cid_len = from_hex(value, cid, sizeof cid);
    has_cid = 1;
#ifdef MBEDTLS_SSL_DTLS_CONNECTION_ID
    need("cid", mbedtls_ssl_conf_cid(&conf, cid_len, MBEDTLS_SSL_UNEXPECTED_CID_IGNORE));
#else
    fail("this build has no connection ids", 0);
#endif
  }
}

/* Before each handshake. */
static void prepare(char **argv) {
  const char *value;
  mbedtls_ssl_set_bio(&ssl, &transport, send_datagram, NULL, receive_datagram);
  mbedtls_ssl_set_timer_cb(&ssl, &timer, mbedtls_timing_set_delay, mbedtls_timing_get_delay);
  if (!is_server)
    need("sni", mbedtls_ssl_set_hostname(&ssl, option(argv, "sni")));
  if ((value = option(argv, "mtu")))
    mbedtls_ssl_set_mtu(&ssl, (uint16_t)atoi(value));
#ifdef MBEDTLS_SSL_DTLS_CONNECTION_ID
  if (has_cid)
    need("cid", mbedtls_ssl_set_cid(&ssl, MBEDTLS_SSL_CID_ENABLED, cid, cid_len));
#endif
}

/* Runs the handshake and prints what came of it. */
static int handshake(void) {
  int result = 0, exchanged = 0;
  while (ssl.state != MBEDTLS_SSL_HANDSHAKE_OVER) {
    exchanged |= ssl.state == MBEDTLS_SSL_CLIENT_KEY_EXCHANGE;
    result = mbedtls_ssl_handshake_step(&ssl);
    if (result && result != MBEDTLS_ERR_SSL_WANT_READ && result != MBEDTLS_ERR_SSL_WANT_WRITE)
      return result;
  }
  printf("established %s%s", mbedtls_ssl_get_ciphersuite(&ssl), exchanged ? "" : " resumed");
#ifdef MBEDTLS_SSL_DTLS_CONNECTION_ID
  int enabled;
  unsigned char theirs[MBEDTLS_SSL_CID_OUT_LEN_MAX];
  size_t len;
  if (!mbedtls_ssl_get_peer_cid(&ssl, &enabled, theirs, &len) && enabled) {
    printf(" cid ");
    for (size_t i = 0; i < len; i++)
      printf("%02x", theirs[i]);
  }
#endif
  printf(" fragment %d\n", mbedtls_ssl_get_max_out_record_payload(&ssl));
  return 0;
}

static void explain(int code) {
  char text[160];
  mbedtls_strerror(code, text, sizeof text);
  printf("failed %s\n", text);
}

/* The next record: its length, 0 when the peer has closed, below 0 for an error. */
static int next_record(unsigned char *bytes, size_t room) {
  int got;
  do
    got = mbedtls_ssl_read(&ssl, bytes, room);
  while (got == MBEDTLS_ERR_SSL_WANT_READ || got == MBEDTLS_ERR_SSL_TIMEOUT);
  return got == MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY ? 0 : got;
}

static void serve(char **argv, int port) {
  transport.socket = new_socket(port);
  printf("listening\n");
  need("setup", mbedtls_ssl_setup(&ssl, &conf));
  for (;;) {
    need("reset", mbedtls_ssl_session_reset(&ssl));
    prepare(argv);
    /* The cookie binds the address of whoever spoke last. */
    struct pollfd wait = {.fd = transport.socket, .events = POLLIN};
    poll(&wait, 1, -1);
    char byte;
    socklen_t len = sizeof transport.peer;
    recvfrom(transport.socket, &byte, 1, MSG_PEEK, (struct sockaddr *)&transport.peer, &len);
    need("transport id", mbedtls_ssl_set_client_transport_id(&ssl, (unsigned char *)&transport.peer, len));
    int result = handshake();
    if (result == MBEDTLS_ERR_SSL_HELLO_VERIFY_REQUIRED)
      continue;
    if (result) {
      explain(result);
      continue;
    }
    unsigned char bytes[16384];
    int got;
    while ((got = next_record(bytes, sizeof bytes)) > 0) {
      transport.peer = transport.last;
      printf("received %.*s\n", got, bytes);
      mbedtls_ssl_write(&ssl, bytes, (size_t)got);
    }
    if (got)
      explain(got);
    else
      printf("closed\n");
  }
}

static void connect_to(char **argv) {
  prepare(argv);
  int result = handshake();
  if (result) {
    explain(result);
    exit(1);
  }
}

static void ask(char **argv, int port) {
  transport.socket = new_socket(0);
  transport.peer = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  transport.peer.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  need("setup", mbedtls_ssl_setup(&ssl, &conf));
  connect_to(argv);
  static char line[16384];
  static unsigned char bytes[16384];
  while (fgets(line, sizeof line, stdin)) {
    line[strcspn(line, "\n")] = 0;
    if (!strcmp(line, "/rebind")) {
      close(transport.socket);
      transport.socket = new_socket(0);
      continue;
    }
    if (!strcmp(line, "/close"))
      break;
    if (!strcmp(line, "/resume")) {
      mbedtls_ssl_session session;
      mbedtls_ssl_session_init(&session);
      need("session", mbedtls_ssl_get_session(&ssl, &session));
      mbedtls_ssl_close_notify(&ssl);
      close(transport.socket);
      transport.socket = new_socket(0);
      need("reset", mbedtls_ssl_session_reset(&ssl));
      need("session", mbedtls_ssl_set_session(&ssl, &session));
      mbedtls_ssl_session_free(&session);
      connect_to(argv);
      continue;
    }
    int sent = mbedtls_ssl_write(&ssl, (unsigned char *)line, strlen(line));
    if (sent < 0) {
      explain(sent);
      exit(1);
    }
    int got = next_record(bytes, sizeof bytes);
    if (got < 0) {
      explain(got);
      exit(1);
    }
    printf("received %.*s\n", got, bytes);
  }
  mbedtls_ssl_close_notify(&ssl);
  printf("closed\n");
}

int main(int argc, char **argv) {
  setvbuf(stdout, NULL, _IOLBF, 0);
  const char *port = option(argv, "port");
  if (argc < 3 || !port)
    fail("usage: mbedtls_peer server|client port=N …", 0);
  is_server = !strcmp(argv[1], "server");
#if MBEDTLS_VERSION_MAJOR >= 3
  if (psa_crypto_init() != PSA_SUCCESS)
    fail("psa", 0);
#endif
  mbedtls_entropy_init(&entropy);
  mbedtls_ctr_drbg_init(&drbg);
  need("random", mbedtls_ctr_drbg_seed(&drbg, mbedtls_entropy_func, &entropy, NULL, 0));
  mbedtls_x509_crt_init(&own);
  mbedtls_x509_crt_init(&ca);
  mbedtls_pk_init(&key);
  mbedtls_ssl_init(&ssl);
  configure(argv);
  if (is_server)
    serve(argv, atoi(port));
  else
    ask(argv, atoi(port));
  return 0;
}
