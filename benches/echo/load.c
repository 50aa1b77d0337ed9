/* Asks a CoAP server on the loopback for /echo, again and again, and prints how often it answered.
 *
 * usage: load PORT SOCKETS WINDOW MILLISECONDS
 *
 * Each socket is a peer of its own and keeps WINDOW Confirmable GETs outstanding, each with its own message id and
 * token. What does not come back within 200 ms is taken for lost and asked for anew. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MOST_WINDOW = 64, MOST_SOCKETS = 1024, ROOM = 256 };

struct peer {
  int fd;
  uint16_t id;
  int outstanding;
  uint64_t heard;
};

static struct peer peers[MOST_SOCKETS];

static uint64_t now_ms(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void die(const char *what) {
  perror(what);
  exit(1);
}

/* Sends `count` requests; what the kernel does not take is lost. */
static void ask(struct peer *peer, int count) {
  static uint8_t bytes[MOST_WINDOW][13];
  static struct iovec parts[MOST_WINDOW];
  static struct mmsghdr messages[MOST_WINDOW];
  for (int i = 0; i < count; i++) {
    uint16_t id = peer->id++;
    /* CON GET, token of 4 bytes, Uri-Path "echo". */
    uint8_t request[13] = {0x44, 0x01, id >> 8, id, 0xd0, 0xd1, id >> 8, id, 0xb4, 'e', 'c', 'h', 'o'};
    memcpy(bytes[i], request, sizeof request);
    parts[i] = (struct iovec){bytes[i], sizeof request};
    messages[i].msg_hdr = (struct msghdr){.msg_iov = &parts[i], .msg_iovlen = 1};
  }
  int sent = 0;
  while (sent < count) {
    int n = sendmmsg(peer->fd, messages + sent, count - sent, 0);
    if (n <= 0) break;
    sent += n;
  }
  peer->outstanding += sent;
}

int main(int argc, char **argv) {
  if (argc != 5) return 2;
  int sockets = atoi(argv[2]), window = atoi(argv[3]);
  uint64_t milliseconds = strtoull(argv[4], NULL, 10);
  if (sockets < 1 || sockets > MOST_SOCKETS || window < 1 || window > MOST_WINDOW) return 2;

  struct sockaddr_in server = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[1]))};
  server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int epoll = epoll_create1(0);
  for (int i = 0; i < sockets; i++) {
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&server, sizeof server) < 0) die("socket");
    peers[i] = (struct peer){.fd = fd, .id = (uint16_t)(i * 977), .heard = now_ms()};
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = i};
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0) die("epoll_ctl");
  }

  static uint8_t rooms[MOST_WINDOW][ROOM];
  static struct iovec parts[MOST_WINDOW];
  static struct mmsghdr messages[MOST_WINDOW];
  for (int i = 0; i < MOST_WINDOW; i++) {
    parts[i] = (struct iovec){rooms[i], ROOM};
    messages[i].msg_hdr = (struct msghdr){.msg_iov = &parts[i], .msg_iovlen = 1};
  }

  uint64_t answers = 0, wrong = 0, lost = 0, end = now_ms() + milliseconds, checked = now_ms();
  for (int i = 0; i < sockets; i++) ask(&peers[i], window);
  for (;;) {
    struct epoll_event events[MOST_SOCKETS];
    int ready = epoll_wait(epoll, events, MOST_SOCKETS, 50);
    uint64_t now = now_ms();
    for (int e = 0; e < ready; e++) {
      struct peer *peer = &peers[events[e].data.u32];
      int n = recvmmsg(peer->fd, messages, MOST_WINDOW, MSG_DONTWAIT, NULL);
      if (n <= 0) continue;
      for (int i = 0; i < n; i++) {
        /* 2.05 in an Acknowledgement, or whatever the floor sends back. */
        int answered = messages[i].msg_len >= 8 && (rooms[i][0] == 0x64 && rooms[i][1] == 0x45);
        answers += answered;
        wrong += !answered;
      }
      peer->heard = now;
      peer->outstanding = n > peer->outstanding ? 0 : peer->outstanding - n;
      if (now < end) ask(peer, window - peer->outstanding);
    }
    if (now >= end) break;
    if (now - checked > 100) {
      checked = now;
      for (int i = 0; i < sockets; i++) {
        if (peers[i].outstanding < window || now - peers[i].heard < 200) continue;
        lost += peers[i].outstanding;
        peers[i].outstanding = 0;
        peers[i].heard = now;
        ask(&peers[i], window);
      }
    }
  }
  printf("%llu %llu %llu\n", (unsigned long long)answers, (unsigned long long)wrong, (unsigned long long)lost);
  return 0;
}
