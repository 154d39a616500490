// A program for the supervisor's tests: ready at once, unless told to fail; ends with its parent.
const [mode] = process.argv.slice(2);
if (mode === 'fail') process.exit(7);
process.on('message', (message) => {
  if (message === 'die') process.exit(3);
  if (message === 'leave') process.send({ kind: 'drained' }, () => process.exit(0));
});
process.on('disconnect', () => process.exit(0));
process.on('SIGTERM', () => process.exit(0));
process.send({ kind: 'ready', mode });
