import { Logger } from '@aws-lambda-powertools/logger';

/** Logs ids, counts and codes; never bodies, tokens, URLs or whole events. */
export const logger = new Logger();
