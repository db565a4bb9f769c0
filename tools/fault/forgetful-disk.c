/*
 * A file that forgets what was not synced, for power-cut tests: a FUSE file system with one file, `disk`, on which a loop
 * device and a file system of its own are put.
 *
 *   forgetful-disk MOUNTPOINT IMAGE SOCKET
 *
 * IMAGE holds what is on the medium. A write goes to a list of unsynced sectors (512 octets) in memory; fsync of the file,
 * which the loop device does for every flush of the file system above, brings them to IMAGE. The medium has what was synced
 * and nothing else. A line on the unix socket SOCKET cuts the power or gives it back, and is answered with a line:
 *
 *   cut drop         every unsynced sector is forgotten
 *   cut part SEED    each unsynced write is kept or forgotten, at random: the cache of a disk writes in any order
 *   cut torn SEED    each unsynced sector is kept or forgotten, at random: writes are torn between sectors
 *   arm drop|part|torn SEED   cuts like this in the place of the next sync that has something to bring to the medium
 *   on               the medium works again
 *   state            1 with power, else 0; sectors unsynced now, or at the last cut
 *
 * Between a cut and `on` every access fails with EIO. Order does not matter to the random choices of one seed: each sector's
 * fate is a hash of seed, number of its write and, when torn, its place.
 *
 * Weak points: a sector is never torn inside, as disks promise; IMAGE itself is not synced, for this machine keeps its power.
 */
#define FUSE_USE_VERSION 31
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <fuse.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define SECTOR 512
#define FILE_NAME "/disk"

struct sector {
  unsigned char *octets; /* NULL = as on the medium */
  uint64_t write;        /* number of the write that it came with */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int image;
static uint64_t image_size;
static struct sector *sectors;
/* Sectors that may be unsynced, so that a sync does not look at all of them. */
static uint64_t *dirty;
static uint64_t dirty_count;
static uint64_t writes;
static int powered = 1;
static uint64_t forgotten;

static uint64_t mix(uint64_t x) {
  x += 0x9e3779b97f4a7c15ULL;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}

/* Brings one sector to the medium, or forgets it. */
static int settle(uint64_t number, int keep) {
  struct sector *sector = &sectors[number];
  int failed = 0;
  if (sector->octets == NULL) return 0;
  if (keep && pwrite(image, sector->octets, SECTOR, (off_t)(number * SECTOR)) != SECTOR) failed = -EIO;
  free(sector->octets);
  sector->octets = NULL;
  return failed;
}

static int sync_all(void) {
  int failed = 0;
  for (uint64_t at = 0; at < dirty_count; at++)
    if (settle(dirty[at], 1) != 0) failed = -EIO;
  dirty_count = 0;
  return failed;
}

enum fate { NONE, DROP, PART, TORN };

static enum fate armed = NONE;
static uint64_t armed_seed;

static enum fate fate_of(const char *name) {
  if (strcmp(name, "drop") == 0) return DROP;
  if (strcmp(name, "part") == 0) return PART;
  return strcmp(name, "torn") == 0 ? TORN : NONE;
}

static void cut(enum fate fate, uint64_t seed) {
  for (uint64_t at = 0; at < dirty_count; at++) {
    uint64_t number = dirty[at];
    uint64_t of = sectors[number].write;
    int keep = 0;
    if (fate == PART) keep = mix(seed ^ mix(of)) & 1;
    if (fate == TORN) keep = mix(seed ^ mix(of) ^ mix(number << 1)) & 1;
    settle(number, keep);
  }
  forgotten = dirty_count;
  dirty_count = 0;
  powered = 0;
  armed = NONE;
}

static int read_sector(uint64_t number, unsigned char *into) {
  if (sectors[number].octets != NULL) {
    memcpy(into, sectors[number].octets, SECTOR);
    return 0;
  }
  ssize_t got = pread(image, into, SECTOR, (off_t)(number * SECTOR));
  if (got < 0) return -EIO;
  memset(into + got, 0, (size_t)(SECTOR - got));
  return 0;
}

static int disk_getattr(const char *path, struct stat *stat, struct fuse_file_info *info) {
  (void)info;
  memset(stat, 0, sizeof *stat);
  if (strcmp(path, "/") == 0) {
    stat->st_mode = S_IFDIR | 0700;
    stat->st_nlink = 2;
    return 0;
  }
  if (strcmp(path, FILE_NAME) != 0) return -ENOENT;
  stat->st_mode = S_IFREG | 0600;
  stat->st_nlink = 1;
  stat->st_size = (off_t)image_size;
  stat->st_blksize = 4096;
  stat->st_blocks = (blkcnt_t)(image_size / SECTOR);
  return 0;
}

static int disk_readdir(const char *path, void *into, fuse_fill_dir_t fill, off_t offset, struct fuse_file_info *info,
                        enum fuse_readdir_flags flags) {
  (void)offset, (void)info, (void)flags;
  if (strcmp(path, "/") != 0) return -ENOENT;
  fill(into, FILE_NAME + 1, NULL, 0, 0);
  return 0;
}

static int disk_open(const char *path, struct fuse_file_info *info) {
  if (strcmp(path, FILE_NAME) != 0) return -ENOENT;
  /* No page cache between the loop device and us: what it wrote is here, and what we forgot is not there. */
  info->direct_io = 1;
  return 0;
}

static int disk_read(const char *path, char *into, size_t size, off_t offset, struct fuse_file_info *info) {
  (void)path, (void)info;
  unsigned char sector[SECTOR];
  size_t done = 0;
  int result = 0;
  if (offset < 0 || (uint64_t)offset >= image_size) return 0;
  if (size > image_size - (uint64_t)offset) size = image_size - (uint64_t)offset;
  pthread_mutex_lock(&lock);
  if (!powered) result = -EIO;
  while (result == 0 && done < size) {
    uint64_t place = (uint64_t)offset + done;
    size_t from = place % SECTOR, part = SECTOR - from;
    if (part > size - done) part = size - done;
    result = read_sector(place / SECTOR, sector);
    if (result == 0) memcpy(into + done, sector + from, part);
    done += part;
  }
  pthread_mutex_unlock(&lock);
  return result == 0 ? (int)done : result;
}

static int write_part(uint64_t place, const char *from, size_t part) {
  uint64_t number = place / SECTOR;
  struct sector *sector = &sectors[number];
  unsigned char before[SECTOR];
  if (read_sector(number, before) != 0) return -EIO;
  if (sector->octets == NULL) {
    sector->octets = malloc(SECTOR);
    if (sector->octets == NULL) return -ENOMEM;
    dirty[dirty_count++] = number;
  }
  memcpy(sector->octets, before, SECTOR);
  memcpy(sector->octets + place % SECTOR, from, part);
  sector->write = writes;
  return 0;
}

static int disk_write(const char *path, const char *from, size_t size, off_t offset, struct fuse_file_info *info) {
  (void)path, (void)info;
  size_t done = 0;
  int result = 0;
  if (offset < 0 || (uint64_t)offset + size > image_size) return -ENOSPC;
  pthread_mutex_lock(&lock);
  if (!powered) result = -EIO;
  writes++;
  while (result == 0 && done < size) {
    uint64_t place = (uint64_t)offset + done;
    size_t part = SECTOR - place % SECTOR;
    if (part > size - done) part = size - done;
    result = write_part(place, from + done, part);
    done += part;
  }
  pthread_mutex_unlock(&lock);
  return result == 0 ? (int)done : result;
}

static int disk_fsync(const char *path, int data_only, struct fuse_file_info *info) {
  (void)path, (void)data_only, (void)info;
  pthread_mutex_lock(&lock);
  if (powered && armed != NONE && dirty_count > 0) cut(armed, armed_seed);
  int result = powered ? sync_all() : -EIO;
  pthread_mutex_unlock(&lock);
  return result;
}

static const struct fuse_operations operations = {
  .getattr = disk_getattr,
  .readdir = disk_readdir,
  .open = disk_open,
  .read = disk_read,
  .write = disk_write,
  .fsync = disk_fsync,
};

static void obey(const char *line, char *answer, size_t room) {
  char how[8];
  unsigned long long seed = 0;
  enum fate fate;
  snprintf(answer, room, "ok\n");
  if (sscanf(line, "cut %7s %llu", how, &seed) == 2 && (fate = fate_of(how)) != NONE) {
    if (powered) cut(fate, seed);
  } else if (sscanf(line, "arm %7s %llu", how, &seed) == 2 && (fate = fate_of(how)) != NONE) {
    armed = fate;
    armed_seed = seed;
  } else if (strcmp(line, "on\n") == 0) {
    powered = 1;
  } else if (strcmp(line, "state\n") == 0) {
    snprintf(answer, room, "%d %llu\n", powered, (unsigned long long)(powered ? dirty_count : forgotten));
  } else {
    snprintf(answer, room, "unknown order\n");
  }
}

static void *listen_for_orders(void *listener) {
  for (;;) {
    int peer = accept((int)(intptr_t)listener, NULL, NULL);
    char line[64], answer[128];
    if (peer < 0) continue;
    ssize_t got = read(peer, line, sizeof line - 1);
    if (got > 0) {
      line[got] = '\0';
      pthread_mutex_lock(&lock);
      obey(line, answer, sizeof answer);
      pthread_mutex_unlock(&lock);
      if (write(peer, answer, strlen(answer)) < 0) perror("answer");
    }
    close(peer);
  }
  return NULL;
}

static int open_socket(const char *path) {
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
  unlink(path);
  if (listener < 0 || bind(listener, (struct sockaddr *)&address, sizeof address) != 0 || listen(listener, 4) != 0) return -1;
  return listener;
}

int main(int count, char **words) {
  struct stat stat;
  pthread_t thread;
  if (count != 4) {
    fprintf(stderr, "usage: forgetful-disk MOUNTPOINT IMAGE SOCKET\n");
    return 2;
  }
  image = open(words[2], O_RDWR | O_CLOEXEC);
  if (image < 0 || fstat(image, &stat) != 0) {
    perror(words[2]);
    return 1;
  }
  image_size = (uint64_t)stat.st_size / SECTOR * SECTOR;
  sectors = calloc(image_size / SECTOR, sizeof *sectors);
  dirty = calloc(image_size / SECTOR, sizeof *dirty);
  int listener = open_socket(words[3]);
  if (sectors == NULL || dirty == NULL || listener < 0) {
    perror("forgetful-disk");
    return 1;
  }
  if (pthread_create(&thread, NULL, listen_for_orders, (void *)(intptr_t)listener) != 0) return 1;
  char *arguments[] = { words[0], "-f", "-s", words[1], NULL };
  return fuse_main(4, arguments, &operations, NULL);
}
