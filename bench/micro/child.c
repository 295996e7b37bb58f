/*
 * The processes of knell-micro: without an argument it exits at once, with one it waits to be killed. Static and tiny,
 * so that what is measured is the way of starting it and not the dynamic linker.
 */
#include <unistd.h>

int main(int argc, char** argv) {
    (void)argv;
    if (argc > 1) {
        pause();
    }
    return 0;
}
