import { CfnOutput, Stack, type StackProps } from 'aws-cdk-lib';
import { CfnBudget } from 'aws-cdk-lib/aws-budgets';
import { Stats } from 'aws-cdk-lib/aws-cloudwatch';
import { ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { ILogGroup } from 'aws-cdk-lib/aws-logs';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import type { Construct } from 'constructs';
import { acknowledge } from '../constructs/acknowledge.ts';
import { raise } from '../constructs/alarms.ts';
import { figuresOf, ThrottledRequests } from '../constructs/figures.ts';
import { deploymentName } from '../profiles/deployment.ts';
import { createDashboard } from './dashboard.ts';
import type { Observed } from './observed.ts';
import { watches } from './watches.ts';

interface OperationsStackProps extends StackProps, Omit<Observed, 'throttled' | 'figure'> {
  /** One line per request of the HTTP API. */
  readonly accessLog: ILogGroup;
  /** Who is told by mail. @default - who subscribes to the topic */
  readonly alarmEmail?: string;
  /** US dollars a month. @default - none */
  readonly budget?: number;
}

/** What tells a person on call that something is wrong, and one dashboard to see what. */
export class OperationsStack extends Stack {
  constructor(scope: Construct, id: string, props: OperationsStackProps) {
    super(scope, id, props);
    const refused = new ThrottledRequests(this, 'ThrottledRequests', props.accessLog);
    const figure = figuresOf(this);
    const observed: Observed = { ...props, figure, throttled: refused.metric({ statistic: Stats.SUM }) };
    const topic = this.#createTopic();
    for (const [name, watch] of Object.entries(watches(observed))) raise(this, name, topic, watch);
    createDashboard(this, observed);
    if (props.alarmEmail) {
      topic.addSubscription(new EmailSubscription(props.alarmEmail));
      acknowledge(topic, {
        'Serverless-SNSRedrivePolicy': 'A mail that cannot be delivered has nobody to read it later.',
      });
    }
    if (props.alarmEmail && props.budget) this.#createBudget(props.budget, props.alarmEmail);
    new CfnOutput(this, 'AlarmTopic', { value: topic.topicArn });
  }

  /** Of what carries the deployment's tag, which has to be activated in the billing console first. */
  #createBudget(amount: number, address: string): void {
    const service = deploymentName(this).toLowerCase();
    const subscribers = [{ subscriptionType: 'EMAIL', address }];
    new CfnBudget(this, 'Budget', {
      budget: {
        budgetType: 'COST',
        timeUnit: 'MONTHLY',
        budgetLimit: { amount, unit: 'USD' },
        costFilters: { TagKeyValue: [`user:service$${service}`] },
      },
      notificationsWithSubscribers: ['ACTUAL', 'FORECASTED'].map((notificationType) => ({
        notification: {
          notificationType,
          comparisonOperator: 'GREATER_THAN',
          threshold: 100,
          thresholdType: 'PERCENTAGE',
        },
        subscribers,
      })),
    });
  }

  /** Who should be told subscribes to it; nobody is by default. */
  #createTopic(): Topic {
    const topic = new Topic(this, 'Alarms', { displayName: 'Tidemark alarms', enforceSSL: true });
    // A topic with a policy of its own has lost the default one, which lets the account's services publish.
    const cloudWatch = new ServicePrincipal('cloudwatch.amazonaws.com');
    topic.grantPublish(cloudWatch.withConditions({ StringEquals: { 'aws:SourceAccount': this.account } }));
    return topic;
  }
}
