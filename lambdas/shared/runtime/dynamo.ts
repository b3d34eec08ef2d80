import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { once } from './env.ts';

export const dynamo = once(() => new DynamoDBClient({}));
