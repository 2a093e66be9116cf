//! Links and formatting of message texts, as plain data: nothing in here knows HTML, and nothing that comes out of
//! it is ever interpreted as HTML.
