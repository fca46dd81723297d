/**
 * The key under which an application finds that other workers run it too: that of `Pool` in `@pagi/node`, which says more of
 * them. There is nothing under it in a process that runs the application alone.
 */
export const poolKey = "@pagi/node/Pool"
