package web

var FindOwner = findOwner
