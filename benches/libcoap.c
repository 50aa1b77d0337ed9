/* Times libcoap on one message: `libcoap parse|serialise <hex> <seconds>` prints nanoseconds for each operation.
 *
 * It does what an application does that is linked with the library: a message received is parsed into a PDU of its
 * own, as coap_handle_dgram() does, and all of it is read; a message to be sent is built in a PDU of its own and its
 * header encoded, as coap_send() does. Built and run by benches/coap.rs against the static library, which alone has
 * coap_pdu_encode_header(). */
#include <coap3/coap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* In coap_pdu_internal.h, which is not installed. */
size_t coap_pdu_encode_header(coap_pdu_t *pdu, coap_proto_t proto);

enum { HEADER = 4, MAX = 2048, BATCHES = 50 };

struct option {
  coap_option_num_t number;
  size_t len;
  const uint8_t *value;
};

/* The bytes, and their parts, which point into `parsed`. */
static uint8_t message[MAX];
static size_t message_len;
static coap_pdu_t *parsed;
static struct option options[64];
static size_t option_count;

/* What keeps the compiler from leaving the work out. */
static volatile size_t sink;

static void fail(const char *what) {
  fprintf(stderr, "libcoap: %s\n", what);
  exit(1);
}

static size_t parse(void) {
  coap_pdu_t *pdu = coap_pdu_init(0, 0, 0, message_len - HEADER);
  if (!pdu || !coap_pdu_parse(COAP_PROTO_UDP, message, message_len, pdu))
    fail("does not parse");
  const uint8_t *data;
  size_t len = 0;
  coap_get_data(pdu, &len, &data);
  size_t sum = len + coap_pdu_get_token(pdu).length + (size_t)coap_pdu_get_mid(pdu);
  coap_opt_iterator_t iterator;
  coap_opt_t *option;
  coap_option_iterator_init(pdu, &iterator, COAP_OPT_ALL);
  while ((option = coap_option_next(&iterator)))
    sum += iterator.number + coap_opt_length(option) + (coap_opt_value(option) != NULL);
  coap_delete_pdu(pdu);
  return sum;
}

static coap_pdu_t *build(void) {
  coap_bin_const_t token = coap_pdu_get_token(parsed);
  const uint8_t *data = NULL;
  size_t len = 0;
  coap_get_data(parsed, &len, &data);
  coap_pdu_t *pdu = coap_pdu_init(coap_pdu_get_type(parsed), coap_pdu_get_code(parsed), coap_pdu_get_mid(parsed),
                                  COAP_DEFAULT_MTU);
  if (!pdu || !coap_add_token(pdu, token.length, token.s))
    fail("takes no token");
  for (size_t i = 0; i < option_count; i++)
    if (!coap_add_option(pdu, options[i].number, options[i].len, options[i].value))
      fail("takes no option");
  if (len && !coap_add_data(pdu, len, data))
    fail("takes no payload");
  if (coap_pdu_encode_header(pdu, COAP_PROTO_UDP) != HEADER)
    fail("encodes no header");
  return pdu;
}

static size_t serialise(void) {
  coap_pdu_t *pdu = build();
  size_t sum = coap_pdu_get_token(pdu).length;
  coap_delete_pdu(pdu);
  return sum;
}

/* Parses the message once to have its parts, and checks that building gives it again. */
static void prepare(void) {
  parsed = coap_pdu_init(0, 0, 0, message_len - HEADER);
  if (!parsed || !coap_pdu_parse(COAP_PROTO_UDP, message, message_len, parsed))
    fail("does not parse");
  coap_opt_iterator_t iterator;
  coap_opt_t *option;
  coap_option_iterator_init(parsed, &iterator, COAP_OPT_ALL);
  while ((option = coap_option_next(&iterator))) {
    if (option_count == sizeof options / sizeof *options)
      fail("too many options");
    options[option_count++] = (struct option){iterator.number, coap_opt_length(option), coap_opt_value(option)};
  }
  coap_pdu_t *pdu = build();
  if (memcmp(coap_pdu_get_token(pdu).s - HEADER, message, message_len))
    fail("builds other bytes");
  coap_delete_pdu(pdu);
}

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

/* Nanoseconds for each of so many operations. */
static double timed(size_t (*operation)(void), unsigned long count) {
  double start = now();
  for (unsigned long i = 0; i < count; i++)
    sink = operation();
  return (now() - start) / (double)count;
}

static int by_size(const void *one, const void *other) {
  double a = *(const double *)one, b = *(const double *)other;
  return (a > b) - (a < b);
}

int main(int argc, char **argv) {
  if (argc != 4)
    fail("usage: libcoap parse|serialise <hex> <seconds>");
  const char *hex = argv[2];
  for (unsigned byte; message_len < MAX && sscanf(hex, "%2x", &byte) == 1; hex += 2)
    message[message_len++] = (uint8_t)byte;
  if (message_len < HEADER || *hex)
    fail("no message in hex");
  coap_startup();
  prepare();
  size_t (*operation)(void) = strcmp(argv[1], "parse") ? serialise : parse;

  double warm = timed(operation, 100000);
  unsigned long count = (unsigned long)(atof(argv[3]) * 1e9 / warm / BATCHES) + 1;
  double batches[BATCHES];
  for (int i = 0; i < BATCHES; i++)
    batches[i] = timed(operation, count);
  qsort(batches, BATCHES, sizeof *batches, by_size);
  printf("%.2f\n", batches[BATCHES / 2]);
  return 0;
}
