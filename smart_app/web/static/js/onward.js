/* A launch too long for an address goes as a form: at once where scripts run, by the button where they do not. */
"use strict";
document.querySelector("form[data-onward]").submit();
