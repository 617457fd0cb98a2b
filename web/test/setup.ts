import { setLocale } from '../src/model/format';

setLocale('en-GB');
