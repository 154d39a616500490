// The end of this process, and what keeps it from ending: the only timers of Node's that the command
// line sets by itself.

/** Ends the process at the latest `graceMs` from now: a native thread or a socket must not hold it. */
export function endProcess(code: number, graceMs: number): void {
  process.exitCode = code;
  setTimeout(() => process.exit(code), graceMs).unref();
}

/** Holds the process open while nothing else does; returns the way to let it go. */
export function keepProcessAlive(): () => void {
  const timer = setInterval(() => undefined, 2 ** 30);
  return () => clearInterval(timer);
}

/** Calls `interrupted` at SIGINT, SIGTERM, and when the parent that started this process is gone. */
export function onInterrupt(interrupted: (reason: 'signal' | 'parent-gone') => void): () => void {
  const onSignal = (): void => interrupted('signal');
  const onDisconnect = (): void => interrupted('parent-gone');
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  process.on('disconnect', onDisconnect);
  return () => {
    process.off('SIGINT', onSignal);
    process.off('SIGTERM', onSignal);
    process.off('disconnect', onDisconnect);
  };
}
