/* Times OpenSSL's DTLS 1.2, both sides in this process, over two queues of datagrams in memory.
 *
 *   openssl_dtls handshake psk|ecdhe|ecdhe-mutual SECONDS CERTIFICATE KEY      nanoseconds for a handshake, both sides
 *   openssl_dtls record ccm8|gcm LENGTH SECONDS CERTIFICATE KEY               nanoseconds to protect, and to unprotect
 *   openssl_dtls memory COUNT CERTIFICATE KEY                                 resident bytes of a server's association
 *
 * The time is this process's on the processor. The work is ours: HelloVerifyRequest with a cookie by HMAC, the extended
 * master secret, one certificate that is pinned and not checked against an authority, no tickets, no session cache.
 * CERTIFICATE and KEY are DER files. Built and run by benches/dtls.rs. */
#include <openssl/err.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { BATCHES = 25, RECORDS = 64, MTU = 1400, SLOTS = RECORDS };

struct datagram {
  int len;
  unsigned char bytes[MTU];
};

/* Datagrams in one direction. */
struct queue {
  unsigned long written, read;
  struct datagram slots[SLOTS];
};

static const unsigned char PSK[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
static const char IDENTITY[] = "urn:dev:os:32473-1";
static unsigned char cookie_key[32];
static SSL_CTX *contexts[2];
static struct queue up, down;

struct pair {
  SSL *client, *server;
};

static void fail(const char *what) {
  fprintf(stderr, "openssl: %s\n", what);
  ERR_print_errors_fp(stderr);
  exit(1);
}

static unsigned int client_psk(SSL *ssl, const char *hint, char *identity, unsigned int identity_room,
                               unsigned char *psk, unsigned int room) {
  (void)ssl, (void)hint;
  if (identity_room < sizeof IDENTITY || room < sizeof PSK)
    return 0;
  memcpy(identity, IDENTITY, sizeof IDENTITY);
  memcpy(psk, PSK, sizeof PSK);
  return sizeof PSK;
}

static unsigned int server_psk(SSL *ssl, const char *identity, unsigned char *psk, unsigned int room) {
  (void)ssl;
  if (strcmp(identity, IDENTITY) || room < sizeof PSK)
    return 0;
  memcpy(psk, PSK, sizeof PSK);
  return sizeof PSK;
}

/* Over what stands for an address. */
static int make_cookie(SSL *ssl, unsigned char *cookie, unsigned int *len) {
  (void)ssl;
  static const unsigned char address[6] = {127, 0, 0, 1, 0x16, 0x34};
  return HMAC(EVP_sha256(), cookie_key, sizeof cookie_key, address, sizeof address, cookie, len) != NULL;
}

static int check_cookie(SSL *ssl, const unsigned char *cookie, unsigned int len) {
  unsigned char expected[EVP_MAX_MD_SIZE];
  unsigned int expected_len;
  return make_cookie(ssl, expected, &expected_len) && len == expected_len && !CRYPTO_memcmp(cookie, expected, len);
}

/* The peer's certificate is the one that is pinned. */
static int pinned(X509_STORE_CTX *store, void *certificate) {
  return X509_cmp(X509_STORE_CTX_get0_cert(store), certificate) == 0;
}

static void configure(const char *kind, const char *suite, const char *certificate_file, const char *key_file) {
  for (int is_server = 0; is_server < 2; is_server++) {
    SSL_CTX *context = contexts[is_server] = SSL_CTX_new(is_server ? DTLS_server_method() : DTLS_client_method());
    SSL_CTX_set_security_level(context, 0);
    SSL_CTX_set_options(context, SSL_OP_NO_TICKET | SSL_OP_NO_QUERY_MTU);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    if (!SSL_CTX_set_cipher_list(context, suite) || !SSL_CTX_set1_groups_list(context, "P-256") ||
        !SSL_CTX_set1_sigalgs_list(context, "ECDSA+SHA256"))
      fail("no such suite");
    if (is_server) {
      SSL_CTX_set_options(context, SSL_OP_COOKIE_EXCHANGE);
      SSL_CTX_set_cookie_generate_cb(context, make_cookie);
      SSL_CTX_set_cookie_verify_cb(context, check_cookie);
    }
    int is_mutual = !strcmp(kind, "ecdhe-mutual");
    if (!strcmp(kind, "psk")) {
      SSL_CTX_set_psk_client_callback(context, client_psk);
      SSL_CTX_set_psk_server_callback(context, server_psk);
      continue;
    }
    if (is_server || is_mutual) {
      if (SSL_CTX_use_certificate_file(context, certificate_file, SSL_FILETYPE_ASN1) != 1 ||
          SSL_CTX_use_PrivateKey_file(context, key_file, SSL_FILETYPE_ASN1) != 1)
        fail("no certificate");
    }
    if (!is_server || is_mutual) {
      SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
      BIO *file = BIO_new_file(certificate_file, "rb");
      X509 *certificate = file ? d2i_X509_bio(file, NULL) : NULL;
      BIO_free(file);
      if (!certificate)
        fail("no certificate to pin");
      SSL_CTX_set_cert_verify_callback(context, pinned, certificate);
    }
  }
}

static int queue_write(BIO *bio, const char *bytes, int len) {
  struct queue *queue = BIO_get_data(bio);
  if (queue->written - queue->read == SLOTS || len > MTU)
    fail("a queue is full");
  struct datagram *datagram = &queue->slots[queue->written++ % SLOTS];
  memcpy(datagram->bytes, bytes, (size_t)len);
  datagram->len = len;
  return len;
}

static int queue_read(BIO *bio, char *bytes, int room) {
  struct queue *queue = BIO_get_data(bio);
  BIO_clear_retry_flags(bio);
  if (queue->written == queue->read) {
    BIO_set_retry_read(bio);
    return -1;
  }
  struct datagram *datagram = &queue->slots[queue->read++ % SLOTS];
  int len = datagram->len < room ? datagram->len : room;
  memcpy(bytes, datagram->bytes, (size_t)len);
  return len;
}

static long queue_control(BIO *bio, int command, long number, void *pointer) {
  (void)bio, (void)number, (void)pointer;
  return command == BIO_CTRL_FLUSH;
}

static int queue_create(BIO *bio) {
  BIO_set_init(bio, 1);
  return 1;
}

static BIO *bio_of(struct queue *queue) {
  static BIO_METHOD *method;
  if (!method) {
    method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "queue");
    BIO_meth_set_write(method, queue_write);
    BIO_meth_set_read(method, queue_read);
    BIO_meth_set_ctrl(method, queue_control);
    BIO_meth_set_create(method, queue_create);
  }
  BIO *bio = BIO_new(method);
  BIO_set_data(bio, queue);
  return bio;
}

/* Both ends, established. */
static struct pair handshake(void) {
  struct pair pair = {SSL_new(contexts[0]), SSL_new(contexts[1])};
  up.read = up.written = down.read = down.written = 0;
  SSL_set_bio(pair.client, bio_of(&down), bio_of(&up));
  SSL_set_bio(pair.server, bio_of(&up), bio_of(&down));
  SSL_set_mtu(pair.client, MTU);
  SSL_set_mtu(pair.server, MTU);
  SSL_set_connect_state(pair.client);
  SSL_set_accept_state(pair.server);
  for (int turn = 0; turn < 10; turn++) {
    int done = SSL_do_handshake(pair.client);
    if (done != 1 && SSL_get_error(pair.client, done) != SSL_ERROR_WANT_READ)
      fail("the client's handshake");
    int other = SSL_do_handshake(pair.server);
    if (other != 1 && SSL_get_error(pair.server, other) != SSL_ERROR_WANT_READ)
      fail("the server's handshake");
    if (done == 1 && other == 1) {
      if (!SSL_get_extms_support(pair.client))
        fail("no extended master secret");
      return pair;
    }
  }
  fail("a handshake without end");
  return pair;
}

static void end(struct pair pair) {
  SSL_free(pair.client);
  SSL_free(pair.server);
}

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

static int by_size(const void *one, const void *other) {
  double a = *(const double *)one, b = *(const double *)other;
  return (a > b) - (a < b);
}

static double median(double *figures) {
  qsort(figures, BATCHES, sizeof *figures, by_size);
  return figures[BATCHES / 2];
}

static double handshakes(unsigned long count) {
  double start = now();
  for (unsigned long i = 0; i < count; i++)
    end(handshake());
  return (now() - start) / (double)count;
}

/* Nanoseconds for a record, protected and unprotected. A few are written before they are read, as they would arrive. */
static void records(struct pair pair, int len, unsigned long count, double *protect, double *unprotect) {
  static unsigned char data[16384], received[16384];
  double writing = 0, reading = 0;
  for (unsigned long i = 0; i < count; i++) {
    double start = now();
    for (int j = 0; j < RECORDS; j++)
      if (SSL_write(pair.client, data, len) != len)
        fail("cannot write");
    double between = now();
    writing += between - start;
    for (int j = 0; j < RECORDS; j++)
      if (SSL_read(pair.server, received, sizeof received) != len)
        fail("cannot read");
    reading += now() - between;
  }
  *protect = writing / (double)(count * RECORDS);
  *unprotect = reading / (double)(count * RECORDS);
}

/* Kilobytes of this process that are in memory. */
static double resident(void) {
  char line[256];
  long kilobytes = 0;
  FILE *status = fopen("/proc/self/status", "r");
  while (status && fgets(line, sizeof line, status))
    if (sscanf(line, "VmRSS: %ld", &kilobytes) == 1)
      break;
  if (status)
    fclose(status);
  return (double)kilobytes;
}

int main(int argc, char **argv) {
  if (argc == 6 && !strcmp(argv[1], "handshake")) {
    int is_psk = !strcmp(argv[2], "psk");
    configure(argv[2], is_psk ? "PSK-AES128-CCM8" : "ECDHE-ECDSA-AES128-GCM-SHA256", argv[4], argv[5]);
    unsigned long count = (unsigned long)(atof(argv[3]) * 1e9 / handshakes(50) / BATCHES) + 1;
    double batches[BATCHES];
    for (int i = 0; i < BATCHES; i++)
      batches[i] = handshakes(count);
    printf("%.0f\n", median(batches));
    return 0;
  }
  if (argc == 7 && !strcmp(argv[1], "record")) {
    configure("psk", strcmp(argv[2], "gcm") ? "PSK-AES128-CCM8" : "PSK-AES128-GCM-SHA256", argv[5], argv[6]);
    struct pair pair = handshake();
    double protect[BATCHES], unprotect[BATCHES];
    int len = atoi(argv[3]);
    records(pair, len, 50, protect, unprotect);
    unsigned long count = (unsigned long)(atof(argv[4]) * 1e9 / (protect[0] + unprotect[0]) / RECORDS / BATCHES) + 1;
    for (int i = 0; i < BATCHES; i++)
      records(pair, len, count, protect + i, unprotect + i);
    printf("%.1f %.1f\n", median(protect), median(unprotect));
    end(pair);
    return 0;
  }
  if (argc == 5 && !strcmp(argv[1], "memory")) {
    configure("psk", "PSK-AES128-CCM8", argv[3], argv[4]);
    end(handshake());
    int count = atoi(argv[2]);
    double before = resident();
    for (int i = 0; i < count; i++)
      SSL_free(handshake().client);
    printf("%.0f\n", (resident() - before) * 1024 / count);
    return 0;
  }
  fprintf(stderr, "usage: openssl_dtls handshake|record|memory …\n");
  return 1;
}
