/**
 * How long a test, a hook or a wait may take, in milliseconds. It only ends what hangs: a machine may be busy with other
 * things, and no test fails because of that.
 */
export const PATIENCE_MS = 15 * 60 * 1000
