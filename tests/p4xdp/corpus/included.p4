// What a case of the group preprocessor includes.
const bit<16> INCLUDED = 7;
