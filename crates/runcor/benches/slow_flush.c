/*
 * A disk that waits: a pause in every flush of a process, to measure with.
 *
 * cc -O2 -shared -fPIC -o /tmp/slow_flush.so crates/runcor/benches/slow_flush.c -ldl
 * SLOW_FLUSH_US=1000 LD_PRELOAD=/tmp/slow_flush.so BENCH --quick durable steps latency
 *
 * BENCH is what `cargo bench -p runcor --features full --bench end_to_end --no-run` names.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <unistd.h>

typedef int flush_of(int);

static int slowly(const char *name, int file)
{
    const char *pause = getenv("SLOW_FLUSH_US");
    int outcome = ((flush_of *)dlsym(RTLD_NEXT, name))(file);
    if (pause != NULL)
        usleep((useconds_t)atoi(pause));
    return outcome;
}

int fsync(int file) { return slowly("fsync", file); }

int fdatasync(int file) { return slowly("fdatasync", file); }
