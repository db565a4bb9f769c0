/*
 * rs485-mode: sets the RS-485 mode of a serial port once, before the edge opens it (TIOCSRS485, Linux, linux/serial.h).
 *
 * The kernel then holds the direction line while it sends, to the bit; no program can do that from outside. The mode stays with the
 * port until its driver is unloaded or the machine boots, whoever opens and closes it. What the driver took is read back,
 * and told when it is not what was asked for. Exit 0 = set, 1 = it could not be, 2 = wrong arguments.
 *
 *   cc -O2 -Wall -o rs485-mode rs485-mode.c
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/serial.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#ifndef SER_RS485_TERMINATE_BUS
#define SER_RS485_TERMINATE_BUS (1 << 5)
#endif

/* Drivers cut longer delays (serial core, RS485_MAX_RTS_DELAY). */
#define DELAY_MAX_MS 100

static const char USAGE[] =
    "Usage: rs485-mode TTY [OPTION...]\n"
    "Sets the RS-485 mode of a serial port: the kernel holds the direction line while it sends.\n"
    "  inverted      the line is low while sending, high otherwise\n"
    "  echo          keep receiving while sending: what is written comes back\n"
    "  terminate     switch the port's own terminating resistor on\n"
    "  before=MS     wait between the line and the first bit, 0 to 100\n"
    "  after=MS      wait between the last bit and the line, 0 to 100\n"
    "  off           RS-232 again\n"
    "  show          say which request would be made, and make none\n";

static int usage(const char *wrong) {
  if (wrong != NULL) fprintf(stderr, "rs485-mode: '%s' is no option.\n", wrong);
  fputs(USAGE, stderr);
  return 2;
}

/* The number behind a name, 0 to DELAY_MAX_MS; 0 when the word is not that option, -1 when the number is wrong. */
static int delay(const char *word, const char *name, __u32 *ms) {
  size_t length = strlen(name);
  if (strncmp(word, name, length) != 0) return 0;
  char *end;
  errno = 0;
  unsigned long value = strtoul(word + length, &end, 10);
  if (word[length] < '0' || word[length] > '9' || *end != '\0' || errno != 0 || value > DELAY_MAX_MS) return -1;
  *ms = (__u32)value;
  return 1;
}

/* Puts one option into the mode; false when it is none. */
static int take(const char *word, struct serial_rs485 *mode, int *show) {
  if (strcmp(word, "inverted") == 0) {
    mode->flags &= ~SER_RS485_RTS_ON_SEND;
    mode->flags |= SER_RS485_RTS_AFTER_SEND;
  } else if (strcmp(word, "echo") == 0) {
    mode->flags |= SER_RS485_RX_DURING_TX;
  } else if (strcmp(word, "terminate") == 0) {
    mode->flags |= SER_RS485_TERMINATE_BUS;
  } else if (strcmp(word, "off") == 0) {
    mode->flags &= ~SER_RS485_ENABLED;
  } else if (strcmp(word, "show") == 0) {
    *show = 1;
  } else {
    int before = delay(word, "before=", &mode->delay_rts_before_send);
    int after = before == 0 ? delay(word, "after=", &mode->delay_rts_after_send) : 0;
    return before > 0 || after > 0;
  }
  return 1;
}

static int failed(const char *tty, const char *what) {
  fprintf(stderr, "rs485-mode: %s: %s (%s).\n", tty, what, strerror(errno));
  return 1;
}

static int set(const char *tty, const struct serial_rs485 *mode) {
  int port = open(tty, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
  if (port < 0) return failed(tty, "the port does not open: look at its name, and at the group dialout");
  if (!isatty(port)) return failed(tty, "this is no serial port");
  struct serial_rs485 asked = *mode;
  if (ioctl(port, TIOCSRS485, &asked) != 0) {
    if (errno == ENOTTY || errno == EINVAL)
      return failed(tty, "its driver has no such RS-485 mode: use an adapter that switches direction by itself, or name the direction line in the device tree");
    return failed(tty, "the driver did not take the mode");
  }
  struct serial_rs485 held;
  memset(&held, 0, sizeof held);
  if (ioctl(port, TIOCGRS485, &held) != 0) return failed(tty, "the mode was set and cannot be read back");
  close(port);
  if ((held.flags & SER_RS485_ENABLED) != (mode->flags & SER_RS485_ENABLED)) {
    fprintf(stderr, "rs485-mode: %s: the driver took the request and left the mode as it was.\n", tty);
    return 1;
  }
  if (held.flags != mode->flags || held.delay_rts_before_send != mode->delay_rts_before_send ||
      held.delay_rts_after_send != mode->delay_rts_after_send)
    fprintf(stderr, "rs485-mode: %s: the driver changed what was asked for: flags 0x%x, before=%u, after=%u.\n", tty,
            held.flags, held.delay_rts_before_send, held.delay_rts_after_send);
  printf("rs485-mode: %s: RS-485 mode is %s.\n", tty, (held.flags & SER_RS485_ENABLED) != 0 ? "on" : "off");
  return 0;
}

int main(int count, char **words) {
  if (count < 2 || words[1][0] == '-') return usage(NULL);
  struct serial_rs485 mode;
  memset(&mode, 0, sizeof mode);
  mode.flags = SER_RS485_ENABLED | SER_RS485_RTS_ON_SEND;
  int show = 0;
  for (int at = 2; at < count; at++)
    if (!take(words[at], &mode, &show)) return usage(words[at]);
  if (!show) return set(words[1], &mode);
  printf("rs485-mode: %s: ioctl 0x%x, %zu octets: flags 0x%x, before=%u, after=%u\n", words[1], (unsigned)TIOCSRS485,
         sizeof mode, mode.flags, mode.delay_rts_before_send, mode.delay_rts_after_send);
  return 0;
}
