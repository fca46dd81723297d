/**
 * HTTP/2 for PAGI. Nothing is here yet: this version serves HTTP/1.1, and the package keeps the place in the workspace
 * and in the import rules until its protocol machine and driver exist.
 */
export {}
