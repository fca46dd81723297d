/**
 * WebSocket for PAGI. Nothing is here yet: this version serves HTTP requests and the lifespan, and the package keeps
 * the place in the workspace and in the import rules until its protocol machine and session exist.
 */
export {}
