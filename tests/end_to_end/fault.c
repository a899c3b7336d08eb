/* Preloaded into a server: while the file that FAULT names says so, flushing or writing the ledger's
   files fails. "fsync": EIO, as a dying disk; "space": ENOSPC, as a full one. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static int ordered(const char *wanted, int fd) {
    int kept = errno, found = 0;
    char said[16] = {0}, link[64], path[4096];
    const char *file = getenv("FAULT");
    int order = file ? open(file, O_RDONLY) : -1;
    if (order >= 0) {
        ssize_t size = read(order, said, sizeof said - 1);
        close(order);
        if (size > 0 && !strncmp(said, wanted, strlen(wanted))) {
            snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
            ssize_t length = readlink(link, path, sizeof path - 1);
            if (length > 0) {
                path[length] = 0;
                found = strstr(path, "/v.db") != NULL;
            }
        }
    }
    errno = kept;
    return found;
}

#define SYNC(name)                                                                              \
    int name(int fd) {                                                                          \
        static int (*real)(int);                                                                \
        if (!real) real = (int (*)(int))dlsym(RTLD_NEXT, #name);                                \
        if (ordered("fsync", fd)) { errno = EIO; return -1; }                                   \
        return real(fd);                                                                        \
    }
SYNC(fsync)
SYNC(fdatasync)

#define WRITE(name, offset_type)                                                                \
    ssize_t name(int fd, const void *data, size_t size, offset_type at) {                       \
        static ssize_t (*real)(int, const void *, size_t, offset_type);                         \
        if (!real) real = (ssize_t (*)(int, const void *, size_t, offset_type))dlsym(RTLD_NEXT, #name); \
        if (ordered("space", fd)) { errno = ENOSPC; return -1; }                                \
        return real(fd, data, size, at);                                                        \
    }
WRITE(pwrite, off_t)
WRITE(pwrite64, off64_t)
