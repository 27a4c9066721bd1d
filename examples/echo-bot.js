/**
 * A bot that answers: what is said to it goes back to whoever said it, once, whichever node of the cluster dies meanwhile.
 *
 *     CONCLAVE_TOKEN=cvt_… node examples/echo-bot.js 127.0.0.1:7301,127.0.0.1:7302,127.0.0.1:7303
 *
 * The token needs the scopes read and send: see docs/bots.md.
 */
import { connect } from 'conclave';

const [nodes = '127.0.0.1:7301'] = process.argv.slice(2);
const token = process.env.CONCLAVE_TOKEN;
if (token === undefined) {
  console.error('CONCLAVE_TOKEN holds no access token.');
  process.exit(64);
}

const bot = connect({ nodes, token, name: 'echo-bot' });

bot.onStatus((status) => {
  if (status.kind === 'connected') console.log(`connected with node ${status.node}`);
  if (status.kind === 'down') console.log(`node ${status.node} is gone: ${status.reason}`);
  if (status.kind !== 'token-refused') return;
  console.error(status.text);
  process.exit(77);
});
process.once('SIGTERM', () => bot.close());
process.once('SIGINT', () => bot.close());

for await (const message of bot.messages()) {
  // Also what it says itself comes, as on every device of an account.
  if (message.from === bot.user) continue;
  const to = message.to.startsWith('#') ? message.to : message.from;
  const outcome = await bot.send(to, `You said: ${message.text}`, { replyTo: message.sequence });
  if (outcome.kind === 'rejection') console.error(`not sent: ${outcome.text}`);
}
