/** SECURITY 14 on a real cluster: hashing is bounded and gives way, so a storm of logins neither elects anybody nor stops a message. */
import t from 'tap';
import { RealCluster } from '../../scripts/support/real-cluster.ts';
import { LineClient } from './support/line-client.ts';
import { patienceOfFileMs } from './support/patience.ts';

const logins = 1_000;
const wrong = 'Incorrect username or password. Please try again.';
const busy = 'Error BUSY: The service is busy, try again.';

t.setTimeout(patienceOfFileMs);
const cluster = await RealCluster.start({ label: 'overload' });
t.teardown(() => cluster.dispose({ keep: !t.passing() }));
t.afterEach((test) => {
  if (!test.passing()) test.comment(cluster.reportAll(20));
});

t.test(
  'overload: 1,000 logins at once at the leader: the rest is BUSY, no election, sends go on',
  async (t) => {
    const leader = await cluster.leader();
    const port = cluster.node(leader.id).chatPort;
    const ann = await LineClient.open(port);
    await ann.ask('1|ann|pw');
    await ann.ask('2|ann|pw');
    const crowd = await Promise.all(Array.from({ length: logins }, () => LineClient.open(port)));
    let answered = 0;
    const storm = Promise.all(
      crowd.map(async (client) => {
        const answer = await client.ask('2|ann|wrong');
        answered += 1;
        return answer;
      }),
    );
    let sent = 0;
    for (; answered < logins; sent++) {
      ann.send('d|ann|still here');
      const replies = [await ann.next(), await ann.next()];
      t.same(replies.sort(), ['Message sent to ann.', '[ann] still here'], `message ${sent}`);
    }
    const answers = await storm;
    t.ok(sent > 0, `${sent} messages went through meanwhile`);
    t.equal(answers.filter((answer) => answer === wrong || answer === busy).length, logins);
    t.ok(answers.includes(busy), 'what does not fit the queue is told to come back');
    const after = await cluster.leader();
    t.match(after, { id: leader.id, term: leader.term }, 'nobody was elected');
    for (const client of crowd) client.close();
    ann.close();
  },
);
