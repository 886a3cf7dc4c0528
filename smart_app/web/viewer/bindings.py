"""The picture decoders' bindings to WebAssembly, made of functions instead of text that is compiled while running.

Emscripten writes the glue between JavaScript and each decoder as source text and evaluates it, which our content
security policy forbids. What stands here does the same by plain closures, as Emscripten's own DYNAMIC_EXECUTION=0 does.
"""

from __future__ import annotations

from smart_app.web.viewer.table import Patch

DECODERS = "8097.bundle.*.js"
"""The worker that holds them: JPEG 2000, High-Throughput JPEG 2000, JPEG-LS and JPEG."""

NAMED_TEXT = (
    rb"""new Function("body","return function "+name+"() {\n"+'    "use strict";'+"""
    rb""""    return body.apply(this, arguments);\n"+"};\n")(body)"""
)
NAMED_TEXT_SPACED = rb"""new Function(
          "body",
          "return function " + name + "() {\n" +
          "    \"use strict\";" +
          "    return body.apply(this, arguments);\n" +
          "};\n"
      )(body)"""
NAMED = b'Object.defineProperty(function(){return body.apply(this,arguments)},"name",{value:name})'

INVOKER = (
    b"function(){"
    b"%s"
    b"var destructors=needsDestructorStack?[]:null,wired=[];"
    b"if(isClassMethodFunc){wired.push(argTypes[1].toWireType(destructors,this))}"
    b"for(var at=0;at<argCount-2;++at){wired.push(argTypes[at+2].toWireType(destructors,arguments[at]))}"
    b"var rv=cppInvokerFunc.apply(null,[cppTargetFunc].concat(wired));"
    b"if(needsDestructorStack){runDestructors(destructors)}"
    b"else{for(var at=isClassMethodFunc?1:2;at<argTypes.length;++at){"
    b"if(argTypes[at].destructorFunction!==null){"
    b"argTypes[at].destructorFunction(wired[isClassMethodFunc?at-1:at-2])}}}"
    b"if(returns){return argTypes[0].fromWireType(rv)}}"
)
COUNTED = (
    b'if(arguments.length!==argCount-2){throwBindingError("function "+humanName+" called with "+arguments.length'
    b'+" arguments, expected "+(argCount-2)+" args!")}'
)

ALLOCATOR_TEXT = (
    b'new Function("requireRegisteredType","Module","valueToHandle","getMemory",functionBody)'
    b"(requireRegisteredType,Module,Emval.toHandle,getMemory)"
)
ALLOCATOR = (
    b"function(constructor,argTypes,args){var values=[];for(var at=0;at<argCount;++at){"
    b'var type=requireRegisteredType(getMemory()[argTypes>>2],"parameter "+at);'
    b'values.push(type.readValueFromPointer(args));args+=type["argPackAdvance"];argTypes+=4}'
    b"return Emval.toHandle(Reflect.construct(constructor,values))}"
)

CALLER = (
    b"function(obj,func,destructorsRef,from){"
    b"var values=types.map(type=>{var value=type.readValueFromPointer(from);from+=type.argPackAdvance;return value});"
    b"var rv=kind===1?Reflect.construct(func,values):func.call(...(kind===0?[obj]:[]),...values);"
    b"if(!retType.isVoid){return emval_returnValue(retType,destructorsRef,rv)}}"
)

BINDINGS = (
    Patch("named functions", DECODERS, NAMED_TEXT, NAMED, 2),
    Patch("named functions, written out", DECODERS, NAMED_TEXT_SPACED, NAMED, 1),
    Patch("calls", DECODERS, b"new_(Function,args1).apply(null,args2)", INVOKER % COUNTED, 2),
    Patch("calls, written out", DECODERS, b"new_(Function, args1).apply(null, args2)", INVOKER % COUNTED, 1),
    Patch("calls without a count", DECODERS, b"newFunc(Function,args)(...closureArgs)", INVOKER % b"", 1),
    Patch("objects", DECODERS, ALLOCATOR_TEXT, ALLOCATOR, 2),
    Patch("calls back", DECODERS, b"newFunc(Function,params)(...args)", CALLER, 1),
)
EVALUATED = (b"new Function(", b"new_(Function", b"newFunc(Function", b"eval(")
"""What must not be left in the worker."""
