/* Preloaded into a program, lets calls fail that put files of one folder on the disk, or those that read
   them. The environment says which: FAILING_CALLS="<reads: 0 or 1> <first> <errno> <lasting: 0 or 1>
   <folder>"; the first is counted from 1, 0 lets none fail. With -1 for errno the process is killed before it. At the end the number of calls counted is written
   to the file FAILING_CALLS_COUNT. What is closed is closed nevertheless. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

static int reads, first, reason, lasting, count;
static char folder[4096];

__attribute__((constructor)) static void begin(void) {
  const char* text = getenv("FAILING_CALLS");
  if (text) sscanf(text, "%d %d %d %d %4095s", &reads, &first, &reason, &lasting, folder);
}

__attribute__((destructor)) static void end(void) {
  /* What the program starts may end after it, and counts nothing. */
  const char* path = count > 0 ? getenv("FAILING_CALLS_COUNT") : NULL;
  char text[32];
  const int fd = path ? (int)syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC, 0644) : -1;
  if (fd < 0) return;
  const int size = snprintf(text, sizeof text, "%d\n", count);
  if (syscall(SYS_write, fd, text, size) != size) abort();
  syscall(SYS_close, fd);
}

static int fails(void) {
  const int now = ++count;
  if (first == 0 || now < first || (now > first && !lasting)) return 0;
  if (reason < 0) kill(getpid(), SIGKILL);
  errno = reason;
  return 1;
}

/* The standard streams are not counted: they may be files of the folder too. */
static int fails_at(int fd, int reading) {
  const int before = errno;
  char link[64], path[4096];
  if (fd <= 2 || !folder[0] || reading != reads) return 0;
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  const ssize_t size = readlink(link, path, sizeof path - 1);
  errno = before;
  if (size < (ssize_t)strlen(folder) || strncmp(path, folder, strlen(folder)) != 0) return 0;
  return fails();
}

static void* next(const char* name) {
  return dlsym(RTLD_NEXT, name);
}

#define FAILING(reading, result, name, parameters, arguments) \
  result name parameters {                                    \
    static result(*real) parameters;                          \
    if (fails_at(fd, reading)) return -1;                     \
    if (!real) *(void**)&real = next(#name);                  \
    return real arguments;                                    \
  }

FAILING(0, ssize_t, write, (int fd, const void* from, size_t size), (fd, from, size))
FAILING(0, ssize_t, writev, (int fd, const struct iovec* pieces, int number), (fd, pieces, number))
FAILING(0, ssize_t, pwrite, (int fd, const void* from, size_t size, off_t at), (fd, from, size, at))
FAILING(0, ssize_t, pwrite64, (int fd, const void* from, size_t size, off64_t at), (fd, from, size, at))
FAILING(0, int, ftruncate, (int fd, off_t size), (fd, size))
FAILING(0, int, ftruncate64, (int fd, off64_t size), (fd, size))
FAILING(0, int, fsync, (int fd), (fd))
FAILING(0, int, fdatasync, (int fd), (fd))

FAILING(1, ssize_t, read, (int fd, void* to, size_t size), (fd, to, size))
FAILING(1, ssize_t, readv, (int fd, const struct iovec* pieces, int number), (fd, pieces, number))
FAILING(1, ssize_t, pread, (int fd, void* to, size_t size, off_t at), (fd, to, size, at))
FAILING(1, ssize_t, pread64, (int fd, void* to, size_t size, off64_t at), (fd, to, size, at))

int close(int fd) {
  const int failed = fails_at(fd, 0);
  const int closed = (int)syscall(SYS_close, fd);
  if (!failed) return closed;
  errno = reason;
  return -1;
}

int rename(const char* from, const char* to) {
  static int (*real)(const char*, const char*);
  if (folder[0] && !reads && fails()) return -1;
  if (!real) *(void**)&real = next("rename");
  return real(from, to);
}

int truncate(const char* path, off_t size) {
  static int (*real)(const char*, off_t);
  if (folder[0] && !reads && fails()) return -1;
  if (!real) *(void**)&real = next("truncate");
  return real(path, size);
}
