/*
 * Imported by functions whose events bring content. An event is one string of up to 6 MB, and what is made of it is as
 * much several times over: by its own measure V8 looks through all of the heap with every call. This lets the heap grow
 * to four times what is in use, some 100 MB, before it does.
 */
import { setFlagsFromString } from 'node:v8';

setFlagsFromString('--heap-growing-percent=300');
