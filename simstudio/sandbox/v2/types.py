"""The types of request bodies that are more than a word, in the notation of `simstudio.sandbox.v2.shapes`."""

from __future__ import annotations

_REFERENCE = (
    "'custom-tool'|'credential'|'skill'|'table'|'sandbox'|'env-var'|'knowledge-base'|'knowledge-document'|'file'"
    "|'file-folder'|'mcp-server'|'custom-block'|'workflow'"
)
_VARIABLE = "'string'|'number'|'boolean'|'object'|'array'|'plain'"
_LOOP = "'for'|'forEach'|'while'|'doWhile'"
_BLOCK_DATA = (
    "{parentId?:string,extent?:'parent',width?:number,height?:number,collection?:any,count?:number,"
    f"loopType?:{_LOOP},whileCondition?:string,doWhileCondition?:string,parallelType?:'collection'|'count',"
    "batchSize?:number,type?:string,canonicalModes?:map<'basic'|'advanced'>}"
)

BLOCKS = (
    "map<{id:string,type:string,name:string,position:{x:number,y:number},"
    "subBlocks:map<{id:string,type:string,value:any}>,outputs:map<any>,enabled:boolean,horizontalHandles?:boolean,"
    "height?:number,advancedMode?:boolean,errorEnabled?:boolean,"
    "retry?:{enabled:boolean,maxTries:number,waitBetweenTriesMs:number},triggerMode?:boolean,"
    f"data?:{_BLOCK_DATA},locked?:boolean}}>"
)
EDGES = "{id:string,source:string,target:string,sourceHandle?:string|null,targetHandle?:string|null,type?:string}[]"
LOOPS = (
    f"map<{{id:string,nodes:string[],iterations:number,loopType:{_LOOP},forEachItems?:string|map<any>|any[],"
    "whileCondition?:string,doWhileCondition?:string,enabled?:boolean,locked?:boolean}>"
)
PARALLELS = (
    "map<{id:string,nodes:string[],distribution?:string|map<any>|any[],count?:number,"
    "parallelType?:'collection'|'count',batchSize?:number,enabled?:boolean,locked?:boolean}>"
)
VARIABLES = f"map<{{id:string,name:string,type:{_VARIABLE},value:any}}>"
VARIABLE_OPERATIONS = (
    f"({{operation:'add',name:string,type:{_VARIABLE},value:any}}"
    f"|{{operation:'edit',name:string,type?:{_VARIABLE},value:any}}|{{operation:'delete',name:string}})[]"
)
OPERATIONS = (
    "({operation_type:'add',block_id:string,params:{type:string,name:string,inputs?:map<any>}}"
    "|{operation_type:'edit',block_id:string,params:{inputs?:map<any>}&map<any>}"
    "|{operation_type:'delete',block_id:string}"
    "|{operation_type:'insert_into_subflow',block_id:string,"
    "params:{subflowId:string,type:string,name:string,inputs?:map<any>}}"
    "|{operation_type:'extract_from_subflow',block_id:string,params:{subflowId:string}})[]"
)
ENABLING = "{block_id:string,enabled:boolean}[]"
MAPPINGS = f"{{kind:{_REFERENCE},sourceId:string,targetId:string|null}}[]"
BINDINGS = (
    "{blockId:string,subBlockKey:string,valuePath?:(string|number)[],positions?:number[],"
    f"encoding?:'array'|'csv'|'scalar'|'files'|'environment',kind:{_REFERENCE},targetId:string|null}}[]"
)
DEPENDENT_VALUES = "{blockId:string,subBlockKey:string,value:string}[]"
CUSTOMIZATIONS = "{primaryColor?:string,welcomeMessage?:string,imageUrl?:string}"
OUTPUT_CONFIGS = "{workflowId?:string,blockId:string,path:string}[]"
